//! Nodes that are one cluster already.

use std::collections::BTreeSet;

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
