//! What cannot be moved: too large for the time or for the room that there is.
//!
//! Sizes are asked when a slot is about to move. What was found then is kept beside
//! the views, so that a plan names it and moves the rest; and asked again after a
//! while, as somebody may have done something about it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

/// How long a slot is left alone before it is tried again.
const REST: Duration = Duration::from_secs(30);

/// The most slots that are remembered: all there are.
const MOST: usize = 16384;

/// A slot that cannot be moved, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Heavy {
    /// Which slot.
    pub slot: u16,
    /// The key that keeps it, as far as it can be shown; the largest one, where it
    /// is all of them together.
    pub key: String,
    /// What would have to move at once, in bytes.
    pub bytes: u64,
    /// What it is too large for.
    pub limit: Limit,
    /// Whether it is time to try again.
    pub due: bool,
}

/// What something is too large for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// The cluster's node time-out, in milliseconds: its master would be held to be
    /// dead before it has moved.
    NodeTimeout(u64),
    /// What this node has left of its `maxmemory`, in bytes.
    Room {
        /// The target's id.
        target: String,
        /// What it has left.
        left: u64,
    },
}

impl Heavy {
    /// Whether the slot is not to be tried now with this target.
    pub fn bars(&self, target: &str) -> bool {
        let it = match &self.limit {
            Limit::NodeTimeout(_) => true,
            Limit::Room { target: full, .. } => full == target,
        };
        it && !self.due
    }

    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        match self.limit {
            Limit::NodeTimeout(_) => {
                "make it smaller, or raise cluster-node-timeout on all members while it moves"
            }
            Limit::Room { .. } => "give it more, or add a member",
        }
    }
}

impl fmt::Display for Heavy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Heavy {
            key, bytes, limit, ..
        } = self;
        let size = bytes.div_ceil(1_000_000);
        match limit {
            Limit::NodeTimeout(millis) => write!(
                f,
                "key '{key}' has {size} MB, which may take longer to move than the cluster's node \
                 time-out of {millis} ms, after which its master would be held to be dead"
            ),
            Limit::Room { left, .. } => write!(
                f,
                "the target has {} MB left of its maxmemory, and {size} MB are to come, with key \
                 '{key}'",
                left / 1_000_000
            ),
        }?;
        write!(f, ": {}", self.remedy())
    }
}

/// What this worker has found so far, by the node that holds it.
#[derive(Debug, Default)]
pub struct Heavies(Mutex<BTreeMap<String, Found>>);

/// What was found at one node, by slot, and when.
type Found = BTreeMap<u16, (Heavy, Instant)>;

impl Heavies {
    /// What cannot be moved from this node.
    pub fn of(&self, node: &str) -> Vec<Heavy> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = all.get(node).into_iter().flat_map(BTreeMap::values);
        found
            .map(|(heavy, since)| Heavy {
                due: since.elapsed() >= REST,
                ..heavy.clone()
            })
            .collect()
    }

    /// This node was to give these slots, and has kept some of them for these reasons.
    pub fn note(&self, node: &str, tried: impl Iterator<Item = u16>, found: Vec<Heavy>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.values().map(BTreeMap::len).sum::<usize>() >= MOST {
            all.clear();
        }
        let known = all.entry(node.to_owned()).or_default();
        for slot in tried {
            known.remove(&slot);
        }
        let now = Instant::now();
        known.extend(found.into_iter().map(|heavy| (heavy.slot, (heavy, now))));
        if known.is_empty() {
            all.remove(node);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heavy(slot: u16, limit: Limit) -> Heavy {
        Heavy {
            slot,
            key: "big".into(),
            bytes: 300_000_000,
            limit,
            due: false,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_too_large_is_tried_again_after_a_while() {
        let heavies = Heavies::default();
        let big = heavy(7, Limit::NodeTimeout(5000));
        heavies.note("a", 0..10, vec![big.clone()]);
        assert_eq!(heavies.of("a"), std::slice::from_ref(&big));
        assert_eq!(heavies.of("b"), []);
        assert!(big.bars("any"));
        tokio::time::advance(REST).await;
        let due = heavies.of("a");
        assert!(due[0].due && !due[0].bars("any"));
        // It was tried again, and is as it was; others were not tried.
        heavies.note("a", 7..8, vec![big.clone()]);
        heavies.note("a", 0..7, vec![]);
        assert_eq!(heavies.of("a"), [big]);
        heavies.note("a", 7..8, vec![]);
        assert_eq!(heavies.of("a"), []);
    }

    #[test]
    fn a_full_target_keeps_nobody_from_another_one() {
        let full = Limit::Room {
            target: "a".into(),
            left: 1_000_000,
        };
        let heavy = heavy(7, full);
        assert!(heavy.bars("a") && !heavy.bars("b"));
        let told = heavy.to_string();
        for part in ["1 MB left of its maxmemory", "300 MB", "add a member"] {
            assert!(told.contains(part), "{told}");
        }
    }
}
