//! What an etcd member can be asked to do.

use std::fmt;

use meshworker_core::{Place, Request, StepKind};
use serde::Serialize;

/// One request to the leader.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EtcdRequest {
    /// The id of the member that is asked: whoever else answers at its address is not
    /// told anything.
    pub node: String,
    /// What it is asked.
    pub act: Act,
    /// What for: removing one that is dead has gates of its own.
    pub kind: StepKind,
}

/// What the leader is asked to do. Each names members by their ids, in hex.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// To let one in that has no vote yet, whether or not it runs.
    AddLearner {
        /// Where the others will reach it.
        peer_url: String,
    },
    /// To give a learner a vote.
    Promote(String),
    /// To hand leadership over.
    MoveLeader(String),
    /// To take a member out; its process ends by itself.
    Remove(String),
}

impl Request for EtcdRequest {
    fn kind(&self) -> StepKind {
        self.kind
    }

    fn introduces(&self) -> Option<Place> {
        None
    }

    fn is_announced(&self) -> bool {
        // One that is alive, too: its data directory is of no use after it.
        matches!(self.act, Act::Remove(_))
    }
}

impl fmt::Display for EtcdRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.act {
            Act::AddLearner { peer_url } => {
                write!(f, "member add --learner --peer-urls={peer_url}")
            }
            Act::Promote(member) => write!(f, "member promote {member}"),
            Act::MoveLeader(member) => write!(f, "move-leader {member}"),
            Act::Remove(member) => write!(f, "member remove {member}"),
        }
    }
}
