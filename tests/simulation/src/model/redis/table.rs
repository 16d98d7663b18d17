//! Who owns each slot, as far as one node knows.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::node::{Id, NONE, SLOTS};

/// So many slots are compared at a time.
const CHUNK: usize = 128;

/// Who owns each slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    owner: Vec<Id>,
    /// How many slots each owns.
    pub counts: Vec<u16>,
    /// Slots that their owner does not claim any more, and nobody else has yet.
    pub unclaimed: BTreeSet<u16>,
}

impl Default for Table {
    fn default() -> Table {
        let mut counts = vec![0; usize::from(Id::MAX) + 1];
        counts[usize::from(NONE)] = SLOTS;
        Table {
            owner: vec![NONE; usize::from(SLOTS)],
            counts,
            unclaimed: BTreeSet::new(),
        }
    }
}

impl Table {
    /// Who owns this slot.
    pub fn owner_of(&self, slot: u16) -> Id {
        self.owner[usize::from(slot)]
    }

    /// Notes who owns a slot. Returns whether that is new.
    pub fn set(&mut self, slot: u16, id: Id) -> bool {
        self.unclaimed.remove(&slot);
        let old = std::mem::replace(&mut self.owner[usize::from(slot)], id);
        if old != id {
            self.counts[usize::from(old)] -= 1;
            self.counts[usize::from(id)] += 1;
        }
        old != id
    }

    /// Whether both have the same owners.
    pub fn same_owners(&self, other: &Table) -> bool {
        self.owner == other.owner
    }

    /// Whether this owner claims this slot.
    pub fn claims(&self, id: Id, slot: u16) -> bool {
        self.owner_of(slot) == id && !self.unclaimed.contains(&slot)
    }

    /// How many slots this owner claims.
    pub fn claimed(&self, id: Id) -> usize {
        let unclaimed = self.unclaimed.iter();
        let unclaimed = unclaimed.filter(|slot| self.owner_of(**slot) == id);
        usize::from(self.counts[usize::from(id)]) - unclaimed.count()
    }

    /// The slots about which these two may differ: tables are mostly the same.
    pub fn differing(&self, other: &Table) -> Vec<u16> {
        let chunks = self.owner.chunks(CHUNK).zip(other.owner.chunks(CHUNK));
        let all = self.unclaimed.is_empty() && other.unclaimed.is_empty();
        let differing = chunks.enumerate().filter(|(at, (own, theirs))| {
            let first = (at * CHUNK) as u16;
            let here = first..first + CHUNK as u16;
            let unclaimed = |table: &Table| table.unclaimed.range(here.clone()).next().is_some();
            own != theirs || !all && (unclaimed(self) || unclaimed(other))
        });
        differing
            .flat_map(|(at, (own, _))| (at * CHUNK..at * CHUNK + own.len()).map(|s| s as u16))
            .collect()
    }

    /// The ranges of slots of each owner, as Redis writes them.
    pub fn ranges(&self) -> BTreeMap<Id, String> {
        let mut ranges: BTreeMap<Id, String> = BTreeMap::new();
        let mut first = 0;
        while let Some(owner) = self.owner.get(first).copied() {
            let last = self.run(first, owner) - 1;
            if owner != NONE {
                let text = ranges.entry(owner).or_default();
                // To a text nothing fails to be written.
                let _ = match first == last {
                    true => write!(text, " {first}"),
                    false => write!(text, " {first}-{last}"),
                };
            }
            first = last + 1;
        }
        ranges
    }

    /// Where the slots end that this one owns from `first` on.
    fn run(&self, first: usize, owner: Id) -> usize {
        let mut at = first;
        // Without an early end many are compared at a time.
        let same = |chunk: &[Id]| chunk.iter().fold(true, |same, id| same & (*id == owner));
        while self.owner.get(at..at + CHUNK).is_some_and(same) {
            at += CHUNK;
        }
        let rest = &self.owner[at..];
        let rest = rest.iter().position(|id| *id != owner);
        rest.map_or(self.owner.len(), |rest| at + rest)
    }
}
