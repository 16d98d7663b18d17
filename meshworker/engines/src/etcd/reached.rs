//! How far each cluster has come. What one member has applied, a majority has, and so has
//! whoever leads later: where nobody has it any more, disks were set back to an older state.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// For so long a new leader may take to apply what is in its log, and a worker to look at it:
/// longer than two pauses between looks.
const APPLIES: Duration = Duration::from_secs(15);

/// More clusters than one worker sees.
const MOST: usize = 64;

/// The highest revision of each cluster, and when somebody had it last, as far as looks tell.
#[derive(Debug, Default)]
pub struct Reached(Mutex<HashMap<String, (u64, Instant)>>);

impl Reached {
    /// Notes that a member of this cluster has this revision now; the revision that was there
    /// and that nobody has any more, if so.
    pub fn note(&self, cluster: &str, revision: u64) -> Option<u64> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.clear();
        }
        let (now, key) = (Instant::now(), cluster.to_owned());
        let (highest, last) = all.entry(key).or_insert((revision, now));
        if revision >= *highest {
            (*highest, *last) = (revision, now);
        }
        (last.elapsed() >= APPLIES).then_some(*highest)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_revision_that_nobody_has_any_more_is_missed_after_a_while() {
        let reached = Reached::default();
        assert_eq!(reached.note("c1", 61), None);
        advance(APPLIES - Duration::from_secs(1)).await;
        // One that lags is nothing new, as long as somebody has it.
        assert_eq!(reached.note("c1", 40), None);
        assert_eq!(reached.note("c1", 61), None);
        advance(APPLIES).await;
        assert_eq!(reached.note("c1", 40), Some(61));
        // Another cluster has its own, and what is written anew hides what is lost.
        assert_eq!(reached.note("c2", 3), None);
        assert_eq!(reached.note("c1", 62), None);
    }
}
