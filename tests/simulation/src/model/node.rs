//! One node of the database: a process, from its start to its end.

use std::collections::{BTreeMap, BTreeSet};

/// So many units of data there are, one bit each.
pub const UNITS: u32 = 24;

/// One node of the database. It has its data in memory: a new process is a new
/// node.
#[derive(Debug, Clone)]
pub struct Node {
    /// Whether it belongs to the cluster that is looked after, not to another.
    pub ours: bool,
    /// The last byte of its address.
    pub address: u8,
    /// The host that it runs on.
    pub host: usize,
    /// When it started.
    pub started: u64,
    /// Its end.
    pub died: Option<Death>,
    /// The fragment that it counts itself in.
    pub fragment: usize,
    /// Addresses that it was told about, and when it dials each next.
    pub seeds: BTreeMap<u8, u64>,
    /// Nodes that it remembers and does not reach.
    pub departed: BTreeSet<usize>,
    /// The units that it holds.
    pub units: u32,
    /// Whether it hands over what it holds, because it is meant to go.
    pub quiesced: bool,
}

impl Node {
    /// Whether it runs.
    pub fn is_alive(&self) -> bool {
        self.died.is_none()
    }
}

/// How a node came to its end.
#[derive(Debug, Clone, Copy)]
pub struct Death {
    /// When.
    pub at: u64,
    /// Why.
    pub cause: Cause,
}

/// Why a node came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The workers let it go.
    Released,
    /// It was killed, or stopped without being let go.
    Fault,
}
