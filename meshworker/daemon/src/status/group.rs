//! The workers of one service, which agree on one that acts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How the workers stand, as one of them sees it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct GroupStatus {
    /// The group's id; none while this worker is in none, and of one that works alone.
    pub group: Option<String>,
    /// The id of this worker's store.
    pub me: String,
    /// Whether this worker is the one that acts, at this moment.
    pub acts: bool,
    /// The number under which it acts.
    pub fence: Option<u64>,
    /// Who acts instead, or what is waited for.
    pub why: Option<String>,
    /// The id of the store whose worker leads, as far as this one knows.
    pub leader: Option<String>,
    /// Since when it leads, as far as this one knows (RFC 3339).
    pub since: Option<String>,
    /// Counted up at each election.
    pub term: u64,
    /// How many entries of the log this worker has applied.
    pub committed: u64,
    /// How often this worker became the one that acts.
    pub takeovers: u64,
    /// How many dangerous acts were announced, and nobody has said what became of them.
    pub open: usize,
    /// Another group that is in sight: an operator is needed.
    pub other: Option<String>,
    /// Why what this worker knows ends with it, though it has a folder for it.
    #[serde(default)]
    pub unkept: Option<String>,
    /// Why this worker's store is not to be counted on, so that it neither votes nor acts, and
    /// what to do.
    #[serde(default)]
    pub unsound: Option<String>,
    /// All that are in it, or want to be, by their slots.
    pub members: Vec<GroupMember>,
}

impl GroupStatus {
    /// How many vote.
    pub fn voters(&self) -> usize {
        let votes = |one: &&GroupMember| matches!(one.part, Part::Leader | Part::Voter);
        self.members.iter().filter(votes).count()
    }
}

/// One worker of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GroupMember {
    /// Its store's id: what votes, whatever its slot and its address.
    pub store: String,
    /// Which of the service's replicas it is, where that is known.
    pub slot: Option<u64>,
    /// The machine it runs on.
    pub node: Option<String>,
    /// Where it answered last.
    pub address: Option<String>,
    /// Its part.
    pub part: Part,
    /// Whether this worker has heard it a moment ago.
    pub answers: bool,
    /// Whether its store outlives it.
    pub kept: Option<bool>,
    /// The last entry of its log.
    pub last: Option<u64>,
    /// How many entries it is behind, as the leader knows.
    pub behind: Option<u64>,
    /// Whether it is about to end.
    pub leaving: bool,
    /// What a change of its part waits for.
    pub waits: Option<String>,
}

/// A worker's part in its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// It leads, and acts.
    Leader,
    /// It votes.
    Voter,
    /// It gets the log, and has no vote.
    Learner,
    /// It is not in the group.
    Outside,
}

impl GroupStatus {
    /// The worker that says so.
    pub fn own(&self) -> Option<&GroupMember> {
        self.members.iter().find(|one| one.store == self.me)
    }
}

impl GroupMember {
    /// Its name, for people.
    pub fn name(&self) -> String {
        match (self.slot, &self.node) {
            (None, _) => format!("store {}", self.store),
            (Some(slot), Some(node)) => format!("worker {slot} on {node}"),
            (Some(slot), None) => format!("worker {slot}"),
        }
    }
}

impl Part {
    /// All of them.
    pub const ALL: [Part; 4] = [Part::Leader, Part::Voter, Part::Learner, Part::Outside];

    /// Its name, as the API has it.
    pub fn name(self) -> &'static str {
        match self {
            Part::Leader => "leader",
            Part::Voter => "voter",
            Part::Learner => "learner",
            Part::Outside => "outside",
        }
    }
}

/// Has another worker act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandOver {
    /// Which: its slot, its node, or its store's id; none for any that could.
    #[serde(default)]
    #[schema(format = "line")]
    pub to: Option<String>,
}

/// Takes a worker out of the group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveWorker {
    /// Which: its slot, its node, or its store's id.
    #[schema(format = "line")]
    pub worker: String,
}

/// Makes one worker's store a new group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RestartGroup {
    /// The id of the group that is given up, so that nobody does it by mistake.
    #[schema(format = "line")]
    pub group: String,
}
