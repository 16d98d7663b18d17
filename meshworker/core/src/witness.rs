//! Who says who is there, and how good its answer is.

use std::fmt;

use serde::Serialize;

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
    /// The pods of a StatefulSet, as the API of Kubernetes lists them.
    Kubernetes,
    /// The members' own view of their cluster.
    Database,
}

impl Witness {
    /// Whether a complete answer of this witness lists everybody, so that a
    /// member which it does not list is absent. Announcements prove presence
    /// alone: the silent may run without a supervisor.
    pub fn lists_everybody(self) -> bool {
        match self {
            Witness::Dns | Witness::Docker | Witness::Kubernetes => true,
            Witness::Announce | Witness::Database => false,
        }
    }

    /// Whether it is an orchestrator's own list of the tasks that it runs, or pods: its word
    /// on whose slot is where outranks a member's own, it knows how many there are meant to
    /// be, and name servers say later what it says.
    pub fn is_task_list(self) -> bool {
        matches!(self, Witness::Docker | Witness::Kubernetes)
    }

    /// Whether it knows that whoever it names exists: the member itself, or the task list.
    /// A name server may list whoever is long gone, and a database whomever it was told of.
    pub fn vouches(self) -> bool {
        self == Witness::Announce || self.is_task_list()
    }
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Witness::Dns => "dns",
            Witness::Announce => "announce",
            Witness::Docker => "docker",
            Witness::Kubernetes => "kubernetes",
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

    /// Its name, without the words of its source.
    pub fn kind(&self) -> &'static str {
        match self {
            Grade::Answer => "answer",
            Grade::Empty => "empty",
            Grade::NxDomain => "nxdomain",
            Grade::ServFail => "servfail",
            Grade::Refused => "refused",
            Grade::Timeout => "timeout",
            Grade::Truncated => "truncated",
            Grade::Failed(_) => "failed",
        }
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
