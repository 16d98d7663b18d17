//! What the log comes to.

use std::collections::{BTreeMap, VecDeque};

use meshworker_core::Fence;
use serde::{Deserialize, Serialize};

use crate::{Command, Given, GroupId, Intent, Ordered, Outcome, Seat, StoreId, Told, TooMany};

/// All of it has no more bytes as JSON: what follows has bounds, and the seats of some stores
/// are short.
pub const A_STATE: usize = 4 << 20;

/// So many bytes of orders, of facts, and of intents that are closed. Those that are open have
/// a few short words each.
const OF_A_KIND: usize = 900 * 1024;

/// So many intents are open at a time.
const OPEN: usize = 1_000;

/// So many intents that are closed are remembered, for people.
const CLOSED: usize = 200;

/// More entries than a majority that is lost can have written since this store heard it last.
const LOST: u64 = 1_000_000_000;

/// So many facts are remembered: what the API tells of the past.
const FACTS: usize = 1_000;

/// What the log comes to: the same in every worker that has applied the same entries. It
/// knows no time: what runs out is lifted by an entry of the leader's.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Machine {
    /// Where each store's worker runs.
    pub seats: BTreeMap<StoreId, Seat>,
    /// What is ordered, by cluster.
    pub orders: BTreeMap<String, Given>,
    /// What somebody was about to do, by its fence, and nobody has said what became of it.
    pub open: BTreeMap<u64, Intent>,
    /// What became of others, the oldest first.
    pub closed: VecDeque<Closed>,
    /// What has happened, the oldest first, by its number.
    pub told: VecDeque<(u64, Told)>,
    /// The number of the newest that there ever was.
    pub newest: u64,
    /// Whether all workers are about to end: then whoever comes back is in no group, and
    /// whoever founds one goes on with what this one had.
    pub ended: bool,
    /// The group whose workers all ended, and which this one goes on from.
    pub heir_of: Option<GroupId>,
    /// Whether most of those that there are meant to be have been in the group.
    pub grown_up: bool,
    /// By so much a fence is higher than its entry's number.
    raised: u64,
}

/// An intent that is open no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// Its fence.
    pub fence: u64,
    /// What it was.
    pub intent: Intent,
    /// What became of it.
    pub outcome: Outcome,
}

impl Machine {
    /// The fence of what is committed by this entry.
    pub fn fence(&self, index: u64) -> Fence {
        Fence(index.saturating_add(self.raised))
    }

    /// Applies an entry; whether it changed anything that a person ordered.
    pub fn apply(&mut self, index: u64, command: Command) -> bool {
        let fence = self.fence(index).0;
        match command {
            Command::Seat(store, seat) => {
                self.seats.insert(store, seat);
            }
            Command::Order(ordered) => {
                if self.room(&ordered).is_err() {
                    return false;
                }
                let given = self.orders.entry(ordered.cluster.clone()).or_default();
                let changed = given.obey(ordered);
                self.orders.retain(|_, given| !given.is_empty());
                return changed;
            }
            Command::Intend(intent) => {
                self.open.insert(fence, intent);
                // Whoever was about to do it said nothing of it for longer than it holds.
                while self.open.len() > OPEN {
                    self.open.pop_first();
                }
            }
            Command::Close { fence, outcome } => {
                if let Some(intent) = self.open.remove(&fence) {
                    self.closed.push_back(Closed {
                        fence,
                        intent,
                        outcome,
                    });
                }
                bound(&mut self.closed, CLOSED);
            }
            Command::Tell(told) => {
                for told in told {
                    self.newest += 1;
                    self.told.push_back((self.newest, told));
                }
                bound(&mut self.told, FACTS);
            }
            Command::End(ended) => self.ended = ended,
            Command::GrownUp => self.grown_up = true,
            // The next entry's is the first that must be higher.
            Command::Raise(above) => {
                self.raised = self.raised.max(above.saturating_sub(index));
            }
        }
        false
    }

    /// Whether there is room for this order: nobody heeds one for which there is none.
    ///
    /// # Errors
    ///
    /// There are too many, or their words are too long together.
    pub fn room(&self, ordered: &Ordered) -> Result<(), TooMany> {
        if let Some(given) = self.orders.get(&ordered.cluster) {
            given.room(&ordered.order)?;
        }
        let more = !ordered.order.is_relief();
        if more && length(&self.orders) + length(ordered) > OF_A_KIND {
            return Err(TooMany);
        }
        Ok(())
    }

    /// What it comes to in a group of this store alone, whose fences are above all that those
    /// who are lost may have given.
    pub(crate) fn alone(mut self, store: StoreId) -> Machine {
        self.raised = self.raised.saturating_add(LOST);
        self.grown_up = true;
        self.seats.retain(|other, _| *other == store);
        self
    }

    /// What a new group begins with that goes on from one whose workers have all ended: its
    /// fences are above all that were given up to this entry, and to those that are lost.
    pub(crate) fn inherited(self, of: GroupId, last: u64) -> Machine {
        Machine {
            seats: BTreeMap::new(),
            ended: false,
            grown_up: false,
            heir_of: Some(of),
            raised: self.raised.saturating_add(last).saturating_add(LOST),
            ..self
        }
    }

    /// Forgets where stores run that are in the group no more.
    pub fn keep_seats(&mut self, of: impl Fn(StoreId) -> bool) {
        self.seats.retain(|store, _| of(*store));
    }
}

fn bound<T: Serialize>(all: &mut VecDeque<T>, most: usize) {
    let mut bytes = length(all);
    while all.len() > most || bytes > OF_A_KIND {
        let Some(oldest) = all.pop_front() else {
            return;
        };
        bytes -= length(&oldest).min(bytes);
    }
}

/// As JSON, in bytes.
fn length(what: &impl Serialize) -> usize {
    serde_json::to_vec(what).map_or(0, |json| json.len())
}
