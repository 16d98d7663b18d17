//! What is written into the log.

use std::collections::BTreeSet;

use meshworker_core::Change;
use serde::{Deserialize, Serialize};

use crate::{Seat, StoreId};

/// One line of the log: what all workers of a group agree on, in one order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Where this store's worker runs.
    Seat(StoreId, Seat),
    /// An operator ordered this.
    Order(Ordered),
    /// The leader is about to do this: its number is the fence that the act carries.
    Intend(Intent),
    /// What became of it.
    Close {
        /// The intent's number.
        fence: u64,
        /// What became of it.
        outcome: Outcome,
    },
    /// The leader tells this: what has happened.
    Tell(Vec<Told>),
    /// All workers are about to end, or some of them stay after all.
    End(bool),
    /// Somebody knows this fence: all that come are to be higher.
    Raise(u64),
    /// Most of those that there are meant to be are in the group: no other one can be.
    GrownUp,
}

/// An operator's order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ordered {
    /// For which cluster.
    pub cluster: String,
    /// Who ordered it, as far as that is known.
    pub who: Option<String>,
    /// When, in milliseconds since 1970 by the leader's clock: for people.
    pub at_ms: u64,
    /// What.
    pub order: Order,
}

/// What operators order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Nothing is to be done to the cluster, or to this member.
    Hold {
        /// One member of it.
        member: Option<String>,
        /// Why.
        why: String,
        /// Until then, in milliseconds since 1970; none until it is resumed.
        #[serde(default)]
        until_ms: Option<u64>,
    },
    /// That is over.
    Resume {
        /// One member of it.
        member: Option<String>,
    },
    /// This member is gone for good.
    Forget {
        /// Its node's id.
        node: String,
    },
    /// These orders to forget are carried out, or too old.
    Forgotten {
        /// The nodes' ids.
        nodes: Vec<String>,
    },
    /// He knows of all losses up to this number, and that so many members are enough.
    Acknowledge {
        /// The losses that he was told of.
        losses: u64,
        /// So many members are enough.
        members: usize,
        /// This cluster is lost with all its data: another one may begin in its place.
        #[serde(default)]
        lost: Option<String>,
    },
    /// This member does not change between primary and replica.
    Downtime {
        /// Which.
        member: String,
        /// Why.
        why: String,
        /// Until then, in milliseconds since 1970; none until it is over by another order.
        until_ms: Option<u64>,
    },
    /// That is over.
    Uptime {
        /// Which.
        member: String,
    },
    /// Another member is to take the primary's place now.
    Failover {
        /// Who is primary by now, by its id.
        from: Option<String>,
        /// In which term that one was opened, or the last one that was; the order means no other.
        #[serde(default)]
        term: Option<u64>,
        /// Who is lost for good, with all that it has.
        lost: BTreeSet<String>,
        /// In milliseconds since 1970: what is not done by then is not meant any more.
        until_ms: u64,
    },
    /// No such order is meant any more.
    FailedOver,
    /// That of these words is done, or too late: one that was given since stands.
    Succeeded {
        /// Who was primary.
        from: Option<String>,
        /// In which term.
        term: Option<u64>,
    },
    /// This cluster takes writes by now, under its database's name for it. No operator orders
    /// that: the worker that acts has seen it.
    Born {
        /// Its name.
        cluster: String,
    },
    /// This member is to be free of data, or need not be any more.
    Drain {
        /// Which.
        member: String,
        /// Whether it is to be.
        wanted: bool,
    },
    /// An option that holds from now on; none for what is configured.
    Wish {
        /// Its name.
        name: String,
        /// Its value.
        value: Option<String>,
    },
}

impl Order {
    /// Whether less is ordered after it than before.
    pub(crate) fn is_relief(&self) -> bool {
        matches!(
            self,
            Order::Resume { .. }
                | Order::Forgotten { .. }
                | Order::Uptime { .. }
                | Order::FailedOver
                | Order::Succeeded { .. }
                | Order::Drain { wanted: false, .. }
                | Order::Wish { value: None, .. }
        )
    }
}

/// What the leader is about to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// To which cluster.
    pub cluster: String,
    /// What kind of change: one that may not be made twice, or by somebody who is deposed.
    pub change: Change,
    /// To whom: a member, or a node's id.
    pub target: String,
    /// The request, and what it rests on, in words.
    pub what: String,
    /// For so many milliseconds from when it is committed it may be done.
    pub for_ms: u64,
}

/// What became of an intent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was done, and this was the answer.
    Done(String),
    /// It was tried, or perhaps tried, and this is all that is known.
    Failed(String),
    /// Whoever was about to do it is leader no more: it is decided anew.
    Withdrawn,
}

/// Something that has happened, as the leader saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// In which cluster.
    pub cluster: String,
    /// When, in milliseconds since 1970 by the leader's clock.
    pub at_ms: u64,
    /// What, as the daemon's words have it.
    pub fact: serde_json::Value,
}

impl Told {
    /// How long it is in the log, in bytes.
    pub fn length(&self) -> usize {
        serde_json::to_vec(self).map_or(0, |json| json.len())
    }
}
