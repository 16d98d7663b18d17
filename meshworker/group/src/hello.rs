//! What workers tell each other all the time, in a group or not.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{GroupId, Seat, StoreId};

/// What a worker says of itself, twice a second, to every address that the workers' name
/// leads to, and answers with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Which store it has.
    pub store: StoreId,
    /// Where it runs.
    pub seat: Seat,
    /// Whether its store outlives it.
    pub kept: bool,
    /// The group it is in.
    #[serde(default)]
    pub group: Option<GroupId>,
    /// Whom it takes for its group's leader.
    #[serde(default)]
    pub leader: Option<StoreId>,
    /// In which term.
    #[serde(default)]
    pub term: u64,
    /// The last entry of its log.
    #[serde(default)]
    pub last: u64,
    /// Up to where it has applied that: what it says of who votes is of then.
    #[serde(default)]
    pub applied: u64,
    /// Whose votes count in its group, as far as it knows.
    #[serde(default)]
    pub voters: BTreeSet<StoreId>,
    /// The group whose workers all ended, and which this one's goes on from.
    #[serde(default)]
    pub heir_of: Option<GroupId>,
    /// While it is in no group: up to which entry it knows what the one had that ended.
    #[serde(default)]
    pub knows: u64,
    /// For how many milliseconds it has looked around.
    #[serde(default)]
    pub awake: u64,
    /// Whether it alone votes in its group, and has not seen yet whether it is the only one.
    #[serde(default)]
    pub young: bool,
    /// Whether it is about to end.
    #[serde(default)]
    pub leaving: bool,
    /// Whom of its group it has not heard, and for how many milliseconds.
    #[serde(default)]
    pub unheard: BTreeMap<StoreId, u64>,
}

impl Hello {
    /// Of two groups the one with less of this gives way.
    pub(crate) fn weight(&self) -> (bool, bool, u64, Option<GroupId>) {
        (!self.young, !self.is_single(), self.last, self.group)
    }

    /// Whether nobody else votes in its group.
    pub(crate) fn is_single(&self) -> bool {
        self.voters.iter().eq([&self.store])
    }
}
