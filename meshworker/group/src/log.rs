//! The log in memory, as raft reads it, and what of it is to be stored.

use raft::eraftpb::{ConfState, Entry as RaftEntry, EntryType, Snapshot as RaftSnapshot};
use raft::prelude::HardState;
use raft::{Error, GetEntriesContext, RaftState, Storage, StorageError};

use crate::store::{Entry, Kind, Save, Saved, Snapshot};
use crate::{StoreFailed, StoreId};

/// So many entries behind the newest snapshot stay, for those that lag a little.
const BEHIND: u64 = 500;

/// Nor do they, nor what came since, where all of them have more bytes than this.
pub const A_LOG: usize = 2 << 20;

/// The log in memory. It is small: everything before the newest snapshot is in that.
#[derive(Debug)]
pub(crate) struct Log(Saved);

impl Log {
    pub(crate) fn of(saved: Saved) -> Log {
        Log(saved)
    }

    pub(crate) fn saved(&self) -> &Saved {
        &self.0
    }

    pub(crate) fn keep(&mut self, save: &Save) {
        self.0.keep(save);
    }

    /// What a snapshot up to this entry lets go.
    pub(crate) fn cut_for(&self, snapshot: &Snapshot) -> Option<(u64, u64)> {
        let behind = if self.is_long() { 0 } else { BEHIND };
        let index = snapshot.index.saturating_sub(behind);
        self.at(index).map(|entry| (entry.index, entry.term))
    }

    /// Whether it is to be cut, however few entries it has.
    pub(crate) fn is_long(&self) -> bool {
        let bodies = self.0.entries.iter().map(|entry| entry.body.len());
        bodies.sum::<usize>() > A_LOG
    }

    /// They have no gap.
    fn at(&self, index: u64) -> Option<&Entry> {
        let place = index.checked_sub(self.0.cut.0 + 1)?;
        self.0.entries.get(usize::try_from(place).ok()?)
    }

    fn last(&self) -> u64 {
        self.0
            .entries
            .last()
            .map_or(self.0.cut.0, |last| last.index)
    }
}

impl Storage for Log {
    fn initial_state(&self) -> raft::Result<RaftState> {
        let (term, vote, commit) = self.0.hard;
        let hard = HardState {
            term,
            vote,
            commit,
            ..HardState::default()
        };
        Ok(RaftState::new(hard, voters(&self.0.snapshot)))
    }

    fn entries(
        &self,
        low: u64,
        high: u64,
        max_size: impl Into<Option<u64>>,
        _: GetEntriesContext,
    ) -> raft::Result<Vec<RaftEntry>> {
        if low <= self.0.cut.0 {
            return Err(Error::Store(StorageError::Compacted));
        }
        if high > self.last() + 1 {
            return Err(Error::Store(StorageError::Unavailable));
        }
        let asked = (low..high).filter_map(|index| self.at(index));
        let mut found: Vec<RaftEntry> = asked.map(to_raft).collect();
        raft::util::limit_size(&mut found, max_size.into());
        Ok(found)
    }

    fn term(&self, index: u64) -> raft::Result<u64> {
        let Saved { cut, snapshot, .. } = &self.0;
        if index == cut.0 {
            return Ok(cut.1);
        }
        if index == snapshot.index {
            return Ok(snapshot.term);
        }
        if index < cut.0 {
            return Err(Error::Store(StorageError::Compacted));
        }
        let term = self.at(index).map(|entry| entry.term);
        term.ok_or(Error::Store(StorageError::Unavailable))
    }

    fn first_index(&self) -> raft::Result<u64> {
        Ok(self.0.cut.0 + 1)
    }

    fn last_index(&self) -> raft::Result<u64> {
        Ok(self.last())
    }

    fn snapshot(&self, request_index: u64, _: u64) -> raft::Result<RaftSnapshot> {
        let snapshot = &self.0.snapshot;
        if snapshot.index == 0 || snapshot.index < request_index {
            return Err(Error::Store(StorageError::SnapshotTemporarilyUnavailable));
        }
        let mut found = RaftSnapshot::default();
        found.set_data(snapshot.body.clone().into());
        let metadata = found.mut_metadata();
        metadata.index = snapshot.index;
        metadata.term = snapshot.term;
        metadata.set_conf_state(voters(snapshot));
        Ok(found)
    }
}

fn voters(snapshot: &Snapshot) -> ConfState {
    let ids = |stores: &[StoreId]| -> Vec<u64> { stores.iter().map(|store| store.0).collect() };
    ConfState::from((ids(&snapshot.voters), ids(&snapshot.learners)))
}

pub(crate) fn to_raft(entry: &Entry) -> RaftEntry {
    RaftEntry {
        index: entry.index,
        term: entry.term,
        entry_type: match entry.kind {
            Kind::Command => EntryType::EntryNormal,
            Kind::Voters => EntryType::EntryConfChangeV2,
        },
        data: entry.body.clone().into(),
        ..RaftEntry::default()
    }
}

/// # Errors
///
/// It is of a kind that no worker writes.
pub(crate) fn from_raft(entry: &RaftEntry) -> Result<Entry, StoreFailed> {
    let kind = match entry.get_entry_type() {
        EntryType::EntryNormal => Kind::Command,
        EntryType::EntryConfChangeV2 => Kind::Voters,
        EntryType::EntryConfChange => {
            return Err(StoreFailed("an entry of a kind that nobody writes".into()));
        }
    };
    Ok(Entry {
        index: entry.index,
        term: entry.term,
        kind,
        body: entry.get_data().to_vec(),
    })
}

pub(crate) fn snapshot_from_raft(snapshot: &RaftSnapshot) -> Snapshot {
    let metadata = snapshot.get_metadata();
    let ids = |ids: &[u64]| ids.iter().copied().map(StoreId).collect();
    Snapshot {
        index: metadata.index,
        term: metadata.term,
        voters: ids(metadata.get_conf_state().get_voters()),
        learners: ids(metadata.get_conf_state().get_learners()),
        body: snapshot.get_data().to_vec(),
    }
}
