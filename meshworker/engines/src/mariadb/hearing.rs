//! For how long replicas have heard nothing from whom they follow.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use meshworker_core::Place;
use tokio::time::Instant;

/// More places than a cluster has.
const MOST: usize = 1024;

/// What each replica had heard at the last looks, and since when it has been that. A worker
/// that begins knows of no silence yet: that only delays.
#[derive(Debug, Default)]
pub struct Hearing(Mutex<HashMap<Place, (String, Instant)>>);

impl Hearing {
    /// Notes what the replica here has heard by now, as counters that grow, or that it listens
    /// to nobody; for how long it has heard nothing, in milliseconds.
    pub fn note(&self, at: Place, heard: Option<String>) -> u64 {
        let now = Instant::now();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.clear();
        }
        let (before, since) =
            (all.entry(at)).or_insert_with(|| (heard.clone().unwrap_or_default(), now));
        // A thread that ends changes its counters too.
        if let Some(heard) = heard.filter(|heard| heard != before) {
            (*before, *since) = (heard, now);
        }
        u64::try_from((now - *since).as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_counter_that_stands_still_is_silence() {
        let (hearing, at) = (Hearing::default(), Place::from([127, 0, 0, 1]));
        assert_eq!(hearing.note(at, Some("1".into())), 0);
        tokio::time::advance(Duration::from_millis(300)).await;
        assert_eq!(hearing.note(at, Some("1".into())), 300);
        assert_eq!(hearing.note(at, Some("2".into())), 0);
        tokio::time::advance(Duration::from_millis(200)).await;
        // It was told to stop, and its counters begin anew: that is nothing that it has heard.
        assert_eq!(hearing.note(at, None), 200);
    }
}
