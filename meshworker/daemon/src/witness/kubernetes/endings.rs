//! Since when pods have been going. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::kubernetes::{PodState, Pods};

/// A kubelet kills what has not ended in its time, and says so within a second or two.
const LATE: Duration = Duration::from_secs(60);

/// Since when each pod that is deleted has been so, by its uid, as far as this worker has
/// looked: its clock need not be the API's.
#[derive(Debug, Default)]
pub(super) struct Endings(BTreeMap<String, Instant>);

impl Endings {
    /// The numbers of those that are there although their time is well over: no kubelet ends
    /// them, so what runs there nobody knows. Of one that was not ready when its node died
    /// nothing else tells.
    pub(super) fn overdue(&mut self, pods: &Pods, now: Instant) -> BTreeSet<u64> {
        let before = std::mem::take(&mut self.0);
        let mut overdue = BTreeSet::new();
        for (slot, pod) in pods.iter() {
            let PodState::Terminating(grace) = pod.state else {
                continue;
            };
            let since = before.get(&pod.uid).copied().unwrap_or(now);
            let time = Duration::from_secs(grace).saturating_add(LATE);
            if now.saturating_duration_since(since) >= time {
                overdue.insert(slot);
            }
            self.0.insert(pod.uid.clone(), since);
        }
        overdue
    }
}
