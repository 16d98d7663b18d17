//! A step that was not planned, and why.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::{Closed, Evidence, counted};

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The member does not answer as a database node.
    NotAnswering(String),
    /// The node at this address belongs to a cluster of another name.
    WrongCluster {
        /// The name that is looked after.
        expected: String,
        /// The name that the node gave.
        found: String,
    },
    /// The node belongs to another formed cluster with data of its own.
    /// Merging two such clusters is the operator's decision.
    ForeignCluster(String),
    /// The name server lists the address, the task list does not.
    Disowned,
    /// Only databases know it, and it holds no data: nobody's member, as far as
    /// anybody can tell, and counted for nothing.
    Stranger {
        /// Its id in the database.
        node: String,
        /// How many more are like it.
        others: usize,
    },
    /// A name server lists the address, where nobody has ever answered, and no
    /// database knows it.
    NeverThere,
    /// Its database starts when the one that has its slot has stopped.
    Waiting {
        /// Where that one is.
        behind: String,
    },
    /// The member is on its way out.
    Leaving,
    /// The database cannot take more nodes.
    LimitReached {
        /// The most nodes that this database can have.
        limit: usize,
        /// Where the limit comes from.
        source: String,
    },
    /// Too few members to begin with.
    TooFew {
        /// How many there are.
        have: usize,
        /// How many it takes.
        need: usize,
    },
    /// The members are configured so that they never become a cluster; and what
    /// to write.
    Misconfigured(String),
    /// Data has no owner, and only the operator knows whether it may be given up.
    DataUnowned(String),
    /// Data is too large to move, for the time or the room that there is. It stays
    /// where it is, and what can move does.
    TooLarge {
        /// Which part of the data: "slot 77".
        part: String,
        /// What it is in there.
        item: String,
        /// How much would have to move at once, in bytes.
        bytes: u64,
        /// What it is too large for, and what to do.
        why: String,
    },
    /// Data goes from older servers to newer ones only.
    OneWay {
        /// Which server cannot read it: a product and its version.
        older: String,
        /// Which server wrote it.
        newer: String,
        /// What to do.
        remedy: String,
    },
    /// All copies of data went with members that nobody had let go; what it is, and
    /// who had them.
    DataLost(String),
    /// A swarm node has all copies of something, although others have members too;
    /// whose, and what to do.
    SharedNode(String),
    /// The node is still busy with what was asked of it earlier.
    UnderWay,
    /// Its effect is awaited before it is made, or made again.
    Awaiting {
        /// How often it was made already: never, where the database may do by
        /// itself what would be asked for.
        attempts: u32,
        /// The time that is left.
        left: Duration,
    },
    /// The address was another member's a short while ago, and only a name
    /// server lists it.
    Quarantined {
        /// The time that is left.
        left: Duration,
    },
    /// An operator holds the cluster, or this member; and why.
    OnHold(String),
    /// Forgetting members is switched off.
    RemovalsOff,
    /// Of several workers another one acts; which, as far as is known.
    AnotherActs(String),
    /// A change did not pass all of its gates.
    Closed(Closed),
}

impl Reason {
    /// The kind of reason, without what changes from pass to pass: a name for
    /// logs and metrics.
    pub fn kind(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Reason::NotAnswering(_) => "not_answering",
            Reason::WrongCluster { .. } => "wrong_cluster",
            Reason::ForeignCluster(_) => "foreign_cluster",
            Reason::Disowned => "disowned",
            Reason::Stranger { .. } => "stranger",
            Reason::NeverThere => "never_there",
            Reason::Waiting { .. } => "waiting",
            Reason::Leaving => "leaving",
            Reason::LimitReached { .. } => "limit_reached",
            Reason::TooFew { .. } => "too_few",
            Reason::Misconfigured(_) => "misconfigured",
            Reason::DataUnowned(_) => "data_unowned",
            Reason::TooLarge { .. } => "too_large",
            Reason::OneWay { .. } => "one_way",
            Reason::DataLost(_) => "data_lost",
            Reason::SharedNode(_) => "shared_node",
            Reason::UnderWay => "under_way",
            Reason::Awaiting { .. } => "awaiting",
            Reason::Quarantined { .. } => "quarantined",
            Reason::OnHold(_) => "on_hold",
            Reason::RemovalsOff => "removals_off",
            Reason::AnotherActs(_) => "another_acts",
            Reason::Closed(closed) => return Cow::Owned(closed.kind()),
        })
    }

    /// Whether something other than time keeps whoever it is about out of the cluster.
    pub fn keeps_out(&self) -> bool {
        matches!(
            self,
            Reason::WrongCluster { .. }
                | Reason::ForeignCluster(_)
                | Reason::Disowned
                | Reason::LimitReached { .. }
                | Reason::DataUnowned(_)
                | Reason::Quarantined { .. }
                | Reason::OnHold(_)
                | Reason::NeverThere
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::NotAnswering(why) => write!(f, "it does not answer: {why}"),
            Reason::WrongCluster { expected, found } => {
                write!(f, "it belongs to cluster '{found}', not '{expected}'")
            }
            Reason::ForeignCluster(what) => write!(
                f,
                "it belongs to another formed cluster ({what}); empty it or remove it from the service"
            ),
            Reason::Disowned => f.write_str("the task list does not know its address"),
            Reason::Stranger { node, others } => {
                write!(
                    f,
                    "no witness knows it, and it holds no data: it counts for nothing; "
                )?;
                if *others > 0 {
                    write!(f, "so do {others} others; ")?;
                }
                write!(f, "`meshworker forget {node}` has the members forget it")
            }
            Reason::NeverThere => f.write_str(
                "nobody ever answered there, no database knows it, and only the name server \
                 lists it: perhaps the service's former virtual address; it counts for nothing",
            ),
            Reason::Waiting { behind } => write!(f, "it starts when {behind} has stopped"),
            Reason::Leaving => f.write_str("it is leaving"),
            Reason::LimitReached { limit, source } => {
                write!(f, "{source} takes at most {limit} nodes")
            }
            Reason::TooFew { have, need } => {
                write!(f, "{have} of the {need} members that it takes are there")
            }
            Reason::Misconfigured(what) | Reason::DataUnowned(what) | Reason::SharedNode(what) => {
                write!(f, "{what}")
            }
            Reason::TooLarge { part, why, .. } => write!(f, "{part} stays: {why}"),
            Reason::OneWay {
                older,
                newer,
                remedy,
            } => write!(f, "{older} cannot read what {newer} has written: {remedy}"),
            Reason::DataLost(what) => {
                write!(f, "{what}; `meshworker acknowledge` once you know of it")
            }
            Reason::UnderWay => f.write_str("it is busy with what was asked of it before"),
            Reason::Awaiting { attempts: 0, left } => write!(
                f,
                "it may come about by itself, which is awaited for another {:.1} s",
                left.as_secs_f64()
            ),
            Reason::Awaiting { attempts, left } => write!(
                f,
                "asked {}, its effect is awaited for another {:.1} s",
                counted(attempts, "times"),
                left.as_secs_f64()
            ),
            Reason::Quarantined { left } => write!(
                f,
                "its address was freed a short while ago; it is watched for another {:.1} s",
                left.as_secs_f64()
            ),
            Reason::OnHold(why) => write!(f, "an operator holds it: {why}"),
            Reason::RemovalsOff => f.write_str("removals are switched off"),
            Reason::AnotherActs(to) => write!(f, "another worker acts: {to}"),
            Reason::Closed(closed) => write!(f, "{closed}"),
        }
    }
}

/// A step that was not planned, and why. Status, logs and metrics all show
/// this same value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Refusal {
    /// What would have been done, such as "join 10.0.1.7" or "forget 3f2a".
    pub what: String,
    /// Why it was not.
    pub reason: Reason,
    /// What was seen.
    pub evidence: Vec<Evidence>,
}

impl Refusal {
    /// A refusal without further evidence than its reason carries.
    pub fn new(what: impl Into<String>, reason: Reason) -> Refusal {
        Refusal {
            what: what.into(),
            reason,
            evidence: Vec::new(),
        }
    }

    /// Which refusal this is, without what changes from pass to pass: "12 s are
    /// left" is no news after "13 s are left". None for one that is no news at all:
    /// waiting for a step's effect is the rule.
    pub fn identity(&self) -> Option<String> {
        match self.reason {
            Reason::UnderWay | Reason::Awaiting { .. } => None,
            _ => Some(format!("{}: {}", self.what, self.reason.kind())),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not done: {}: {}", self.what, self.reason)
    }
}
