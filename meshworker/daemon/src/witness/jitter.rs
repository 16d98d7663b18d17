//! Pauses that differ a little, so that several workers do not stay in step.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// This pause, give or take a fifth.
pub(crate) fn jittered(pause: Duration) -> Duration {
    // Each RandomState has keys of its own, which is all the chance needed here.
    let chance = (RandomState::new().hash_one(()) % 1024) as u32;
    // In parts of 2560: 2048 of them are four fifths.
    (pause / 2560).saturating_mul(2048 + chance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jittered_pause_differs_by_a_fifth_at_most() {
        let pauses: Vec<_> = (0..100)
            .map(|_| jittered(Duration::from_secs(10)))
            .collect();
        let low = Duration::from_secs(8);
        let high = Duration::from_secs(12);
        assert!(pauses.iter().all(|pause| (low..=high).contains(pause)));
        assert!(pauses.iter().any(|pause| *pause != pauses[0]));
    }
}
