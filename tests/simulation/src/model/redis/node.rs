//! One Redis node: what it believes and holds.

use std::collections::BTreeMap;

use super::table::Table;
use crate::chance::mix;

/// Which node: lasts as long as its directory.
pub type Id = u8;
/// Nobody: the owner of a slot that has none.
pub const NONE: Id = Id::MAX;
/// How many hash slots there are.
pub const SLOTS: u16 = 16_384;
/// So many units of data there are: keys, a few of which share a slot.
pub const UNITS: usize = 64;

/// The slot of this key. Two have one slot each, which can thus be half moved.
pub fn slot_of(unit: usize) -> u16 {
    let pair = unit / 2;
    (pair * 512 + (mix(pair as u64) % 512) as usize) as u16
}

/// The keys of this slot, one bit each.
pub fn keys_of(slot: u16) -> u64 {
    let pair = usize::from(slot) / 512;
    let first = 2 * pair;
    if slot_of(first) == slot {
        0b11 << first
    } else {
        0
    }
}

/// The name of a node: forty hexadecimal digits, in no order.
pub fn name(id: Id) -> String {
    format!("{:08x}{id:032x}", mix(u64::from(id)) as u32)
}

/// The node of this name.
pub fn number(name: &str) -> Option<Id> {
    Id::from_str_radix(name.get(8..)?, 16).ok()
}

/// What a node believes of another one.
#[derive(Debug, Clone)]
pub struct Known {
    /// Where it is.
    pub address: u8,
    /// The epoch of what it claims.
    pub epoch: u64,
    /// Whom it follows, if anybody.
    pub master: Option<Id>,
    /// When it was heard last.
    pub heard: u64,
    /// Since when it is held to be gone.
    pub fail: Option<u64>,
    /// What was read last of it: its version, and the reader's own.
    pub read: (u64, u64),
}

/// One Redis node: what it believes and holds. With a volume it outlives its
/// process.
#[derive(Debug, Clone)]
pub struct Node {
    /// Who it is.
    pub id: Id,
    /// The other nodes that it knows.
    pub known: BTreeMap<Id, Known>,
    /// Who owns each slot, as far as it knows.
    pub table: Table,
    /// The epoch of what it claims.
    pub epoch: u64,
    /// The highest epoch that it has heard of.
    pub current: u64,
    /// Whom it follows, if anybody.
    pub master: Option<Id>,
    /// Slots on their way from it, and to whom.
    pub migrating: BTreeMap<u16, Id>,
    /// Slots on their way to it, and from whom.
    pub importing: BTreeMap<u16, Id>,
    /// Whom it was told to forget, and until when it does not believe others.
    pub banned: BTreeMap<Id, u64>,
    /// Whom it is introduced to, and when that is done.
    pub hands: BTreeMap<u8, u64>,
    /// The keys that it holds, one bit each.
    pub keys: u64,
    /// When its process answers.
    pub loaded: u64,
    /// Whether it has looked at the keys that it found when it started.
    pub stocked: bool,
    /// Whether it follows its master closely.
    pub synced: bool,
    /// When its copy of its master's data is whole.
    pub copied: Option<u64>,
    /// Since when it has no link to its master.
    pub link_lost: Option<u64>,
    /// Whether it has ever had a whole copy of its master's data.
    pub has_copy: bool,
    /// When it tries to take over from its failed master.
    pub election: Option<u64>,
    /// When it takes over from its living one, because it was asked to.
    pub takeover: Option<u64>,
    /// When it gave its vote about this master.
    pub votes: BTreeMap<Id, u64>,
    /// Whether it holds the cluster to be in working order.
    pub ok: bool,
    /// Since when it could.
    pub ok_since: Option<u64>,
    /// Changes with every change of its slots and of what it claims.
    pub version: u64,
}

impl Node {
    /// A node with an empty directory.
    pub fn new(id: Id, loaded: u64) -> Node {
        Node {
            id,
            known: BTreeMap::new(),
            table: Table::default(),
            epoch: 0,
            current: 0,
            master: None,
            migrating: BTreeMap::new(),
            importing: BTreeMap::new(),
            banned: BTreeMap::new(),
            hands: BTreeMap::new(),
            keys: 0,
            loaded,
            stocked: false,
            synced: false,
            copied: None,
            link_lost: None,
            has_copy: false,
            election: None,
            takeover: None,
            votes: BTreeMap::new(),
            ok: false,
            ok_since: None,
            version: 1,
        }
    }

    /// How many slots this one owns, as far as this node knows.
    pub fn owned(&self, id: Id) -> u16 {
        self.table.counts[usize::from(id)]
    }

    /// Who owns this slot.
    pub fn owner_of(&self, slot: u16) -> Id {
        self.table.owner_of(slot)
    }

    /// The epoch with which the owner of this slot has it, where there is an owner that
    /// still claims it.
    pub fn claim(&self, slot: u16) -> Option<u64> {
        match self.owner_of(slot) {
            NONE => None,
            _ if self.table.unclaimed.contains(&slot) => None,
            owner if owner == self.id => Some(self.epoch),
            owner => self.known.get(&owner).map(|known| known.epoch),
        }
    }

    /// Notes who owns a slot.
    pub fn set_owner(&mut self, slot: u16, id: Id) {
        if self.table.set(slot, id) {
            self.version += 1;
        }
    }

    /// Whether it holds a key of this slot.
    pub fn has_keys(&self, slot: u16) -> bool {
        self.keys & keys_of(slot) != 0
    }

    /// The masters that own slots, as far as it knows, itself included.
    pub fn masters(&self) -> Vec<Id> {
        let own = (self.master.is_none() && self.owned(self.id) > 0).then_some(self.id);
        let others = self.known.iter();
        let others = others.filter(|(id, known)| known.master.is_none() && self.owned(**id) > 0);
        own.into_iter().chain(others.map(|(id, _)| *id)).collect()
    }

    /// Its epoch is from now on higher than every other one that it knows.
    pub fn bump(&mut self) {
        let others = self.known.values().map(|known| known.epoch);
        let most = others
            .max()
            .unwrap_or_default()
            .max(self.current)
            .max(self.epoch);
        if self.epoch == 0 || self.epoch != most || self.known.values().any(|k| k.epoch == most) {
            self.current = most + 1;
            self.epoch = self.current;
            self.version += 1;
        }
    }

    /// Follows this master from now on.
    pub fn follow(&mut self, master: Id, now: u64) {
        self.master = Some(master);
        self.migrating.clear();
        self.importing.clear();
        (self.synced, self.copied, self.election, self.takeover) = (false, None, None, None);
        self.has_copy = false;
        self.link_lost = Some(now);
        self.version += 1;
    }
}
