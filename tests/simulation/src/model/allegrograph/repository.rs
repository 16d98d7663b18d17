//! A repository on one server, and what it knows of its cluster.

use std::collections::{BTreeMap, BTreeSet};

use super::SILENT;

/// One instance of a cluster.
#[derive(Debug, Clone)]
pub(super) struct Instance {
    pub name: String,
    /// The last byte of its address; none where the name that follows the controlling server
    /// leads to it.
    pub address: Option<u8>,
    /// Which repository it is.
    pub repository: usize,
}

/// What all instances have in common. A higher version takes the place of a lower one.
#[derive(Debug, Clone)]
pub(super) struct Roll {
    pub version: u64,
    /// The repository that controls the others.
    pub controlling: usize,
    pub instances: Vec<Instance>,
    /// The repositories that were taken out.
    pub removed: BTreeSet<usize>,
}

/// A repository, and what it knows of its cluster.
#[derive(Debug, Clone)]
pub(super) struct Repository {
    pub id: usize,
    pub roll: Roll,
    /// The units of data that it has, one bit each.
    pub units: u32,
    /// Until when its data is copied.
    pub copied: Option<u64>,
    /// When each of the others was heard last.
    pub heard: BTreeMap<usize, u64>,
}

impl Repository {
    /// One without data.
    pub fn of(id: usize, roll: Roll) -> Repository {
        Repository {
            id,
            roll,
            units: 0,
            copied: None,
            heard: BTreeMap::new(),
        }
    }

    pub fn controls(&self) -> bool {
        self.roll.controlling == self.id && !self.is_removed()
    }

    pub fn is_removed(&self) -> bool {
        self.roll.removed.contains(&self.id)
    }

    /// Whether this one was heard a moment ago.
    pub fn hears(&self, id: usize, now: u64) -> bool {
        self.heard.get(&id).is_some_and(|at| now < at + SILENT)
    }

    pub fn hear_all(&mut self, now: u64) {
        let all = self.roll.instances.iter().map(|one| one.repository);
        self.heard = all.map(|id| (id, now)).collect();
    }

    /// Tells another one what it has and whom it knows, if they are of one cluster.
    pub fn tell(&mut self, other: &mut Repository, now: u64) {
        let lists =
            |one: &Repository, id: usize| one.roll.instances.iter().any(|one| one.repository == id);
        if !lists(other, self.id) && !lists(self, other.id) {
            // One that was taken out hears so where it asks.
            if self.roll.removed.contains(&other.id) {
                other.roll = self.roll.clone();
            }
            return;
        }
        if self.roll.version > other.roll.version {
            other.roll = self.roll.clone();
        }
        if other.is_removed() || self.is_removed() {
            return;
        }
        other.heard.insert(self.id, now);
        if other.copied.is_some_and(|until| now >= until) && self.controls() {
            other.copied = None;
        }
        if self.copied.is_none() && other.copied.is_none() {
            other.units |= self.units;
        }
    }
}
