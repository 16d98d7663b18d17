//! Since when each member has been connected with each other.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use meshworker_core::Place;
use tokio::time::Instant;

/// For so long etcd wants members to be connected before it lets one be added or removed
/// (`strict-reconfig-check`), without a break.
const SETTLED: Duration = Duration::from_secs(5);

/// More places than a cluster has.
const MOST: usize = 1024;

/// Since when each member has been connected with each other, as far as looks tell.
#[derive(Debug, Default)]
pub struct Links(Mutex<HashMap<Place, BTreeMap<String, Instant>>>);

impl Links {
    /// Notes whom the member here is connected with now; and whether it has been for as
    /// long as etcd wants.
    pub fn note(&self, at: Place, now: &BTreeSet<String>) -> BTreeMap<String, bool> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.clear();
        }
        let since = all.entry(at).or_default();
        since.retain(|peer, _| now.contains(peer));
        let settled = |peer: &String| {
            let since = since.entry(peer.clone()).or_insert_with(Instant::now);
            (peer.clone(), since.elapsed() >= SETTLED)
        };
        now.iter().map(settled).collect()
    }
}
