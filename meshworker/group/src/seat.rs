//! Where a store's worker runs.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a store's worker runs: for people, and for whoever weighs who is to vote. Nothing
/// is identified by it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Seat {
    /// Which of the service's replicas it is.
    pub slot: u64,
    /// Which of the machines it runs on, as far as it knows.
    pub node: Option<String>,
    /// Which container it is.
    pub task: String,
}

impl fmt::Display for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.node {
            Some(node) => write!(f, "worker {} on {node}", self.slot),
            None => write!(f, "worker {}", self.slot),
        }
    }
}
