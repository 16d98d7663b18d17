//! What a store must keep.

use serde::{Deserialize, Serialize};

use crate::{GroupId, Ordered, StoreId};

/// What kind of entry of the log it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A [`crate::Command`] as JSON; empty for the first entry of a leader.
    Command,
    /// A change of who votes, as raft writes it.
    Voters,
}

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Counted without a gap.
    pub index: u64,
    /// The term of the leader that wrote it.
    pub term: u64,
    /// What is in it.
    pub kind: Kind,
    /// Its content.
    pub body: Vec<u8>,
}

/// All that was applied up to an entry.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Snapshot {
    /// The last entry that is in it; 0 for nothing.
    pub index: u64,
    /// That entry's term.
    pub term: u64,
    /// Who votes then, and who learns.
    pub voters: Vec<StoreId>,
    /// Who gets the log and has no vote.
    pub learners: Vec<StoreId>,
    /// The [`crate::Machine`] then, as JSON.
    pub body: Vec<u8>,
}

/// What a store is to keep before anything is sent that rests on it: all of it or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Save {
    /// Nothing of what was kept of its group holds any more, and it is this store from now on; the
    /// rest of this is what it begins with.
    pub anew: Option<StoreId>,
    /// The group that it belongs to from now on.
    pub group: Option<GroupId>,
    /// The term, for whom it voted (0 for nobody), and what is committed.
    pub hard: Option<(u64, u64, u64)>,
    /// Instead of everything up to its index.
    pub snapshot: Option<Snapshot>,
    /// Entries up to this one need not be kept any more; its term is to be.
    pub cut: Option<(u64, u64)>,
    /// Entries, in their order; what stands at the first one's index and behind it goes.
    pub entries: Vec<Entry>,
    /// What is to be ordered in the next group, instead of what was.
    pub bequest: Option<Vec<Ordered>>,
}

/// What was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// Which store it is.
    pub store: StoreId,
    /// Its group; none while it is in none.
    pub group: Option<GroupId>,
    /// The term, for whom it voted, what is committed.
    pub hard: (u64, u64, u64),
    /// The newest one.
    pub snapshot: Snapshot,
    /// The last entry before those that are kept, and its term.
    pub cut: (u64, u64),
    /// Those after it.
    pub entries: Vec<Entry>,
    /// What the operators of a group that was given up had ordered, and is not ordered yet in
    /// the next one.
    pub bequest: Vec<Ordered>,
}

impl Saved {
    /// An empty store, in no group.
    pub fn empty(store: StoreId) -> Saved {
        Saved {
            store,
            group: None,
            hard: (0, 0, 0),
            snapshot: Snapshot::default(),
            cut: (0, 0),
            entries: Vec::new(),
            bequest: Vec::new(),
        }
    }

    /// What is kept as this store, instead of everything that was.
    pub(crate) fn anew(&self) -> Save {
        Save {
            anew: Some(self.store),
            group: self.group,
            hard: Some(self.hard),
            snapshot: Some(self.snapshot.clone()),
            cut: Some(self.cut),
            entries: self.entries.clone(),
            bequest: Some(self.bequest.clone()),
        }
    }

    /// What is kept after this as well: what every store must come to.
    pub fn keep(&mut self, save: &Save) {
        if let Some(store) = save.anew {
            *self = Saved {
                bequest: std::mem::take(&mut self.bequest),
                ..Saved::empty(store)
            };
        }
        if let Some(bequest) = &save.bequest {
            self.bequest.clone_from(bequest);
        }
        self.group = save.group.or(self.group);
        self.hard = save.hard.unwrap_or(self.hard);
        if let Some(snapshot) = &save.snapshot {
            self.snapshot = snapshot.clone();
        }
        if let Some(cut) = save.cut {
            self.entries.retain(|entry| entry.index > cut.0);
            self.cut = cut;
        }
        if let Some(first) = save.entries.first() {
            self.entries.retain(|entry| entry.index < first.index);
            self.entries.extend(save.entries.iter().cloned());
        }
    }
}

/// Nothing can be kept any more: whoever promises something from now on may break it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the store cannot be written: {0}")]
pub struct StoreFailed(pub String);

/// Where a store is kept.
pub trait Store {
    /// Keeps this, and returns when a power cut could not undo it any more.
    ///
    /// # Errors
    ///
    /// It could not be kept; the worker is to end.
    fn save(&mut self, save: &Save) -> Result<(), StoreFailed>;
}
