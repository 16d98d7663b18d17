//! What a Redis node can be asked to do.

use std::fmt;

use meshworker_core::{Place, Request, StepKind};
use serde::Serialize;

use super::slots::Slots;

/// One request to one node.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RedisRequest {
    /// The id of the node that is asked: whoever else answers at its address
    /// is not told anything.
    pub node: String,
    /// What it is asked.
    pub act: Act,
    /// Whether it serves a member that is meant to go: such a request is made
    /// when that member's turn has come.
    pub parting: bool,
}

/// What a node is asked to do.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Introduce itself to the node at this address: the two clusters become
    /// one, or, when both know each other, learn the new address.
    Meet {
        /// Where the other node is.
        address: Place,
        /// Its client port.
        port: u16,
        /// Its bus port, where that is not the client port plus 10000.
        bus_port: Option<u16>,
        /// Its id: nobody is introduced to whoever else answers there by now.
        guest: String,
        /// Whether gossip usually does it.
        last_resort: bool,
    },
    /// Take these slots, which nobody owns.
    Assign(Slots),
    /// Follow this master.
    Replicate {
        /// The master's id.
        master: String,
    },
    /// Hand these slots and their keys over to another master.
    Move {
        /// Which slots.
        slots: Slots,
        /// The id of the master that gets them.
        target: String,
        /// Where that master is.
        address: Place,
        /// The other masters, which are told of the new owner.
        others: Vec<Place>,
    },
    /// Take over from its master, which waits with its clients until the last
    /// write has arrived: no write that was acknowledged is lost.
    Failover,
    /// Stop following this master, drop the copy of its data and forget every
    /// other node: an empty node that can join as a master.
    Reset {
        /// The master's id: a node that does not follow it is left alone.
        master: String,
    },
    /// Of these masters, each of which holds another to be the owner of these slots, let
    /// the one that has their keys claim them; this one where nobody has any.
    Claim {
        /// Which slots.
        slots: Slots,
        /// The other masters: their ids, and where they are.
        others: Vec<(String, Place)>,
    },
    /// Close these slots, which are marked as on the move and need not move.
    Close(Slots),
    /// Remove this departed node from the table, and let nobody bring it back
    /// for a minute.
    Forget {
        /// The departed node's id.
        node: String,
    },
}

impl Request for RedisRequest {
    fn kind(&self) -> StepKind {
        match self.act {
            Act::Meet { .. } => StepKind::Join,
            Act::Forget { .. } => StepKind::Forget,
            _ if self.parting => StepKind::Leave,
            Act::Assign(_)
            | Act::Replicate { .. }
            | Act::Move { .. }
            | Act::Failover
            | Act::Reset { .. }
            | Act::Claim { .. }
            | Act::Close(_) => StepKind::Arrange,
        }
    }

    fn introduces(&self) -> Option<Place> {
        match self.act {
            Act::Meet { address, .. } | Act::Move { address, .. } => Some(address),
            Act::Assign(_)
            | Act::Replicate { .. }
            | Act::Failover
            | Act::Reset { .. }
            | Act::Claim { .. }
            | Act::Close(_)
            | Act::Forget { .. } => None,
        }
    }

    fn deals_out(&self) -> bool {
        matches!(self.act, Act::Assign(_))
    }

    fn is_last_resort(&self) -> bool {
        matches!(self.act, Act::Meet { last_resort, .. } if last_resort)
    }
}

impl fmt::Display for RedisRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.act {
            Act::Meet {
                address,
                port,
                bus_port,
                guest: _,
                last_resort: _,
            } => {
                write!(f, "CLUSTER MEET {address} {port}")?;
                match bus_port {
                    Some(bus_port) => write!(f, " {bus_port}"),
                    None => Ok(()),
                }
            }
            Act::Assign(slots) => {
                f.write_str("CLUSTER ADDSLOTSRANGE")?;
                let mut ranges = slots.ranges().iter();
                ranges.try_for_each(|(first, last)| write!(f, " {first} {last}"))
            }
            Act::Replicate { master } => write!(f, "CLUSTER REPLICATE {master}"),
            Act::Move {
                slots,
                target,
                address,
                ..
            } => write!(f, "move slots {slots} to {target} at {address}"),
            Act::Failover => f.write_str("CLUSTER FAILOVER"),
            Act::Reset { .. } => f.write_str("CLUSTER RESET SOFT"),
            Act::Claim { slots, .. } => write!(f, "settle who owns slots {slots}"),
            Act::Close(slots) => write!(f, "CLUSTER SETSLOT {slots} STABLE"),
            Act::Forget { node } => write!(f, "CLUSTER FORGET {node}"),
        }
    }
}
