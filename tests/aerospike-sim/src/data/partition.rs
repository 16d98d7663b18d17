//! One partition's records on one node, and which other nodes are known to hold the same.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{NodeId, hash};

/// A value and the moment of its writing. The newer one wins wherever two meet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub value: String,
    pub version: u64,
}

/// A record on its way between nodes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub key: String,
    pub record: Record,
}

/// One partition on one node.
#[derive(Debug, Default)]
pub(crate) struct Partition {
    records: HashMap<String, Record>,
    digest: u64,
    /// Nodes that hold every record this one holds.
    synced: Vec<NodeId>,
    /// Nodes that were asked and do not.
    differing: Vec<NodeId>,
    /// Grows whenever something happens that a copy under way may have missed.
    epoch: u64,
}

impl Partition {
    /// Takes a record in, unless a newer one is there. Says whether it was taken.
    pub fn merge(&mut self, entry: Entry) -> bool {
        let known = self.records.get(&entry.key).map(|record| record.version);
        if known.is_some_and(|version| version >= entry.record.version) {
            return false;
        }
        if let Some(version) = known {
            self.digest ^= trace(&entry.key, version);
        }
        self.digest ^= trace(&entry.key, entry.record.version);
        self.records.insert(entry.key, entry.record);
        true
    }

    pub fn get(&self, key: &str) -> Option<&Record> {
        self.records.get(key)
    }

    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// A fingerprint of all keys and versions.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    pub fn entries(&self) -> Vec<Entry> {
        self.records
            .iter()
            .map(|(key, record)| Entry {
                key: key.clone(),
                record: record.clone(),
            })
            .collect()
    }

    pub fn is_synced(&self, node: NodeId) -> bool {
        self.synced.contains(&node)
    }

    pub fn is_differing(&self, node: NodeId) -> bool {
        self.differing.contains(&node)
    }

    pub fn mark_synced(&mut self, node: NodeId) {
        self.differing.retain(|known| *known != node);
        if !self.synced.contains(&node) {
            self.synced.push(node);
        }
    }

    pub fn mark_differing(&mut self, node: NodeId) {
        if !self.differing.contains(&node) {
            self.differing.push(node);
        }
    }

    /// Only these nodes can still hold the same: something new came that they are told of as well. Says whether that leaves somebody
    /// out.
    pub fn keep_synced(&mut self, informed: &[NodeId]) -> bool {
        let before = self.synced.len();
        self.synced.retain(|node| informed.contains(node));
        self.epoch += 1;
        self.synced.len() < before
    }

    /// These nodes are told of the first record here, and so hold all that is here: to write is no migration.
    pub fn begin_synced(&mut self, informed: &[NodeId]) {
        informed.iter().for_each(|node| self.mark_synced(*node));
    }

    /// This node may have missed something.
    pub fn unsync(&mut self, node: NodeId) {
        self.synced.retain(|known| *known != node);
        self.epoch += 1;
    }

    /// Nothing is known about anybody any more: the cluster is another.
    pub fn forget_copies(&mut self) {
        self.synced.clear();
        self.differing.clear();
        self.epoch += 1;
    }
}

fn trace(key: &str, version: u64) -> u64 {
    hash::pair(hash::bytes(key.as_bytes()), version)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: &str, value: &str, version: u64) -> Entry {
        Entry {
            key: key.into(),
            record: Record {
                value: value.into(),
                version,
            },
        }
    }

    #[test]
    fn the_newer_record_wins_in_any_order() {
        let (mut one, mut other) = (Partition::default(), Partition::default());
        assert!(one.merge(entry("k", "old", 1)) && one.merge(entry("k", "new", 2)));
        assert!(other.merge(entry("k", "new", 2)) && !other.merge(entry("k", "old", 1)));
        assert_eq!(one.get("k"), other.get("k"));
        assert_eq!(one.digest(), other.digest());
    }

    #[test]
    fn a_copy_under_way_notices_what_it_missed() {
        let node = NodeId::derive(3001, "10.0.1.5".parse().unwrap());
        let mut partition = Partition::default();
        partition.mark_synced(node);
        let before = partition.epoch();
        partition.keep_synced(&[node]);
        assert!(partition.is_synced(node));
        partition.keep_synced(&[]);
        assert!(!partition.is_synced(node));
        assert!(partition.epoch() > before);
    }
}
