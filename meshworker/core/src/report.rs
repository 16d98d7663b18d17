//! What one witness said in this pass.

use std::fmt;
use std::net::IpAddr;

use serde::Serialize;

use crate::{MemberId, Presence};

/// A source that says who is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Witness {
    /// The name server: one address per running, healthy replica.
    Dns,
    /// The members themselves, each through the supervisor that runs it.
    Announce,
    /// The swarm managers' task list.
    Docker,
    /// The members' own view of their cluster.
    Database,
}

impl Witness {
    /// Whether a complete answer of this witness lists everybody, so that a
    /// member which it does not list is absent. Announcements prove presence
    /// alone: the silent may run without a supervisor.
    pub fn lists_everybody(self) -> bool {
        match self {
            Witness::Dns | Witness::Docker => true,
            Witness::Announce | Witness::Database => false,
        }
    }
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Witness::Dns => "dns",
            Witness::Announce => "announce",
            Witness::Docker => "docker",
            Witness::Database => "database",
        })
    }
}

/// How good an answer was. Only [`Grade::Answer`] lets a missing member count
/// as absent; with every other grade, whoever is not listed is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// A complete answer that lists at least one member.
    Answer,
    /// The name exists and has no address. Swarm also answers so for a moment
    /// while it moves a service, so it proves nothing about anybody.
    Empty,
    /// The name does not exist, which Swarm also says while no replica is healthy.
    NxDomain,
    /// The server failed to answer.
    ServFail,
    /// The server refused to answer.
    Refused,
    /// No answer before the deadline.
    Timeout,
    /// A cut answer whose rest could not be fetched.
    Truncated,
    /// Anything else that went wrong, in the words of the source.
    Failed(String),
}

impl Grade {
    /// Whether a member that this answer does not list is absent, not unknown.
    pub fn is_complete(&self) -> bool {
        matches!(self, Grade::Answer)
    }
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Grade::Answer => f.write_str("answer"),
            Grade::Empty => f.write_str("empty answer"),
            Grade::NxDomain => f.write_str("NXDOMAIN"),
            Grade::ServFail => f.write_str("SERVFAIL"),
            Grade::Refused => f.write_str("REFUSED"),
            Grade::Timeout => f.write_str("time-out"),
            Grade::Truncated => f.write_str("truncated answer"),
            Grade::Failed(why) => write!(f, "failed: {why}"),
        }
    }
}

/// One member as one witness sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sighting {
    /// The member's address on the network that it shares with the worker.
    pub address: IpAddr,
    /// The member's slot, where this witness knows it.
    pub member: Option<MemberId>,
    /// The swarm node that it runs on, where this witness knows it.
    pub node: Option<String>,
    /// The swarm task, where this witness knows it.
    pub task: Option<String>,
    /// Present, leaving, or out of sight.
    pub presence: Presence,
}

impl Sighting {
    /// A bare address that is present: all that DNS can tell.
    pub fn at(address: IpAddr) -> Sighting {
        Sighting {
            address,
            member: None,
            node: None,
            task: None,
            presence: Presence::Present,
        }
    }
}

/// Everything that one witness said in this pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Who speaks.
    pub witness: Witness,
    /// How good the answer was.
    pub grade: Grade,
    /// Who is there. A partial list is possible with a grade other than `Answer`.
    pub sightings: Vec<Sighting>,
    /// How many replicas the service is meant to have, where this witness knows it.
    pub desired: Option<usize>,
}

impl Report {
    /// An answer that lists these addresses; [`Grade::Empty`] when there are none.
    pub fn addresses(witness: Witness, addresses: impl IntoIterator<Item = IpAddr>) -> Report {
        let sightings: Vec<_> = addresses.into_iter().map(Sighting::at).collect();
        let grade = if sightings.is_empty() {
            Grade::Empty
        } else {
            Grade::Answer
        };
        Report {
            witness,
            grade,
            sightings,
            desired: None,
        }
    }

    /// No usable answer, and why.
    pub fn unknown(witness: Witness, grade: Grade) -> Report {
        Report {
            witness,
            grade,
            sightings: Vec::new(),
            desired: None,
        }
    }
}
