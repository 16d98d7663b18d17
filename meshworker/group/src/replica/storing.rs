//! What is kept of a part in the log, and what a new one begins with.

use std::collections::BTreeSet;

use raft::StorageError;

use super::Replica;
use crate::store::{Kind, Save, Saved, Snapshot};
use crate::{GroupId, Machine, Store, StoreFailed, StoreId};

/// Every so many entries there is a new snapshot.
const SNAPSHOT: u64 = 1_000;

impl Replica {
    /// What the store of a group's founder begins with: everything anew, with this to begin
    /// with.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn founding(
        store: StoreId,
        group: GroupId,
        machine: Option<&Machine>,
    ) -> Result<Save, StoreFailed> {
        let body = machine.map(serde_json::to_vec).transpose();
        let body = body.map_err(|why| StoreFailed(why.to_string()))?;
        Ok(Save {
            anew: Some(store),
            group: Some(group),
            hard: Some((1, 0, 1)),
            snapshot: Some(Snapshot {
                index: 1,
                term: 1,
                voters: vec![store],
                learners: Vec::new(),
                body: body.unwrap_or_default(),
            }),
            cut: Some((1, 1)),
            ..Save::default()
        })
    }

    /// What is kept of it.
    pub fn saved(&self) -> &Saved {
        self.raft.store().saved()
    }

    /// What a group of this store alone begins with, under another name and with another id:
    /// whoever voted in the old one has no vote in it.
    pub(crate) fn alone_as(&self, store: StoreId, group: GroupId) -> Result<Saved, StoreFailed> {
        let saved = self.saved();
        let mut machine = self.machine.clone();
        let heard = saved.entries.iter();
        for entry in heard.filter(|entry| entry.index > self.applied()) {
            if entry.kind == Kind::Command && !entry.body.is_empty() {
                let command = serde_json::from_slice(&entry.body);
                let command = command.map_err(|why| StoreFailed(why.to_string()))?;
                machine.apply(entry.index, command);
            }
        }
        let (index, term) = (self.last(), self.term().saturating_add(1));
        let body = serde_json::to_vec(&machine.alone(self.store()));
        Ok(Saved {
            group: Some(group),
            hard: (term, 0, index),
            snapshot: Snapshot {
                index,
                term,
                voters: vec![store],
                learners: Vec::new(),
                body: body.map_err(|why| StoreFailed(why.to_string()))?,
            },
            cut: (index, term),
            bequest: saved.bequest.clone(),
            ..Saved::empty(store)
        })
    }

    pub(super) fn keep(&mut self, store: &mut dyn Store, save: &Save) -> Result<(), StoreFailed> {
        if *save == Save::default() {
            return Ok(());
        }
        store.save(save)?;
        self.raft.mut_store().keep(save);
        Ok(())
    }

    pub(super) fn restore(
        &mut self,
        snapshot: Snapshot,
        save: &mut Save,
    ) -> Result<(), StoreFailed> {
        let machine = serde_json::from_slice(&snapshot.body);
        self.machine = machine.map_err(|why| StoreFailed(format!("a snapshot: {why}")))?;
        self.voters = snapshot.voters.iter().copied().collect();
        self.learners = snapshot.learners.iter().copied().collect();
        self.outgoing.clear();
        save.cut = Some((snapshot.index, snapshot.term));
        save.snapshot = Some(snapshot);
        Ok(())
    }

    /// A new snapshot after many entries or bytes, and after each change of who is in the group:
    /// who comes finds himself in it.
    pub(super) fn snapshot(&mut self, store: &mut dyn Store) -> Result<(), StoreFailed> {
        let saved = self.saved();
        let applied = self.applied();
        let ids = |stores: &BTreeSet<StoreId>| stores.iter().copied().collect::<Vec<_>>();
        let (voters, learners) = (ids(&self.voters), ids(&self.learners));
        let before = &saved.snapshot;
        let log = self.raft.store();
        let others = before.voters != voters || before.learners != learners;
        let due = others || log.is_long() || applied >= before.index + SNAPSHOT;
        if !self.outgoing.is_empty() || applied <= before.index || !due {
            return Ok(());
        }
        let term = match raft::Storage::term(log, applied) {
            Ok(term) => term,
            Err(raft::Error::Store(StorageError::Compacted | StorageError::Unavailable)) => {
                return Ok(());
            }
            Err(why) => return Err(StoreFailed(format!("entry {applied}: {why}"))),
        };
        let body = serde_json::to_vec(&self.machine);
        let snapshot = Snapshot {
            index: applied,
            term,
            voters,
            learners,
            body: body.map_err(|why| StoreFailed(why.to_string()))?,
        };
        let save = Save {
            cut: log.cut_for(&snapshot),
            snapshot: Some(snapshot),
            ..Save::default()
        };
        self.keep(store, &save)
    }
}
