//! Nodes that are one cluster already.

use std::collections::{BTreeMap, BTreeSet};

/// Nodes that count each other in.
#[derive(Debug, Clone)]
pub struct Fragment {
    /// Who is in, also those who died and are not missed yet.
    pub members: BTreeSet<usize>,
    /// Since when some do not reach the others.
    pub torn: Option<u64>,
    /// When it begins to move data, and when it is done.
    pub work: Option<(u64, u64)>,
}

impl Fragment {
    /// Whether it says that data is on the move.
    pub fn works(&self, now: u64) -> bool {
        self.work.is_some_and(|(from, _)| from <= now)
    }
}

/// What a node knows and holds. It has its data in memory: a new process is a new
/// node, though it has the id of whoever had its address before.
#[derive(Debug, Clone, Default)]
pub struct Node {
    /// The fragment that it counts itself in.
    pub fragment: usize,
    /// Addresses that it was told about, and when it dials each next.
    pub seeds: BTreeMap<u8, u64>,
    /// Nodes that it remembers and does not reach.
    pub departed: BTreeSet<usize>,
    /// The units that it holds.
    pub units: u32,
    /// Whether it is to be last in line once the cluster is formed anew.
    pub pending: bool,
    /// Whether it is last in line: it hands over what it holds.
    pub quiesced: bool,
    /// Whether its heartbeats are switched off.
    pub aside: bool,
}
