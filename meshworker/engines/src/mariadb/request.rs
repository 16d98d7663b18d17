//! What a MariaDB server can be asked to do.

use std::fmt;
use std::net::IpAddr;

use meshworker_core::{Place, Request, StepKind};
use serde::Serialize;

use super::gtid::Position;

/// One request to one server. Each is made under a term, which the server itself checks
/// against what it has promised.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MariadbRequest {
    /// The id of the server that is asked: whoever else answers at its address is not told
    /// anything.
    pub server: u32,
    /// What it is asked.
    pub act: Act,
    /// What for.
    pub kind: StepKind,
}

/// What a server is asked to do.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// To keep a fence from now on.
    Fence,
    /// To promise this term, and to receive nothing from anybody until it is told to.
    Seal {
        /// The term.
        term: u64,
        /// Who asks.
        holder: String,
        /// Whether another worker has had a term promised: it may be about to use it.
        contested: bool,
    },
    /// To be the primary of this term.
    Promote {
        /// The term.
        term: u64,
        /// Who asks.
        holder: String,
        /// Of which cluster.
        cluster: String,
        /// What it must have applied first; nothing where it is no replica.
        position: Position,
        /// Who may acknowledge writes, where nobody has written that down before.
        ackers: Option<Vec<u32>>,
        /// Whether it waits for an acknowledgement of each write.
        waits: bool,
    },
    /// To follow the primary of this term.
    Follow {
        /// The term in which the primary was opened.
        term: u64,
        /// Of which cluster.
        cluster: String,
        /// Where the primary is.
        source: Place,
        /// Its address and port, as the follower dials it.
        host: IpAddr,
        /// The port.
        port: u16,
        /// Whether it was a primary itself, whose last writes are its position.
        demote: bool,
        /// Where its data ends, when that is a copy.
        copied: Option<Position>,
    },
    /// To receive again from whom it follows, and to throw away nothing.
    Resume {
        /// The term in which the primary was opened.
        term: u64,
        /// Of which cluster.
        cluster: String,
    },
    /// To vouch for what it has, once it has applied this.
    Vouch {
        /// The term in which the primary was opened.
        term: u64,
        /// Of which cluster.
        cluster: String,
        /// What the primary has written.
        position: Position,
    },
    /// To have it written down who may acknowledge writes.
    Enrol {
        /// The term in which it was opened.
        term: u64,
        /// The number of this change.
        number: u64,
        /// Who may.
        ackers: Vec<u32>,
    },
    /// To receive nothing more.
    Retire {
        /// The term of the primary that it follows.
        term: u64,
    },
    /// To take no more writes, and end what its clients do.
    Close {
        /// The term in which it was opened.
        term: u64,
    },
}

impl Request for MariadbRequest {
    fn kind(&self) -> StepKind {
        self.kind
    }

    fn introduces(&self) -> Option<Place> {
        match &self.act {
            Act::Follow { source, .. } => Some(*source),
            _ => None,
        }
    }

    fn closes(&self) -> bool {
        matches!(self.act, Act::Close { .. })
    }

    fn opens(&self) -> bool {
        matches!(self.act, Act::Promote { .. })
    }

    fn hurries(&self) -> bool {
        matches!(
            self.act,
            Act::Seal { .. } | Act::Promote { .. } | Act::Close { .. }
        )
    }

    // Two that act at once would outbid each other for ever.
    fn is_last_resort(&self) -> bool {
        matches!(
            self.act,
            Act::Seal {
                contested: true,
                ..
            }
        )
    }
}

impl fmt::Display for MariadbRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.act {
            Act::Fence => write!(f, "keep a fence"),
            Act::Seal { term, holder, .. } => {
                write!(f, "promise term {term} to {holder}, and stop receiving")
            }
            Act::Promote { term, position, .. } if position.is_empty() => {
                write!(f, "take writes in term {term}")
            }
            Act::Promote { term, position, .. } => {
                write!(f, "take writes in term {term}, from {position} on")
            }
            Act::Follow {
                term, host, port, ..
            } => write!(f, "follow {host}:{port} in term {term}"),
            Act::Resume { term, .. } => write!(f, "receive again in term {term}"),
            Act::Vouch { term, .. } => write!(f, "vouch for what it has in term {term}"),
            Act::Enrol { term, ackers, .. } => {
                let ackers: Vec<String> = ackers.iter().map(ToString::to_string).collect();
                let ackers = ackers.join(", ");
                write!(f, "have acknowledged by [{ackers}] in term {term}")
            }
            Act::Retire { term } => write!(f, "stop receiving in term {term}"),
            Act::Close { term } => write!(f, "take no more writes in term {term}"),
        }
    }
}
