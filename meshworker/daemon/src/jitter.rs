//! Chance, so that several workers do not stay in step.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Another number each time.
pub(crate) fn chance() -> u64 {
    // Each RandomState has keys of its own, which is all the chance needed here.
    RandomState::new().hash_one(())
}

/// This pause, give or take this part of it: the fifth, the tenth.
pub(crate) fn jittered(pause: Duration, part: u32) -> Duration {
    let share = pause / part;
    pause.saturating_sub(share) + share / 512 * (chance() % 1024) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jittered_pause_differs_by_a_fifth_at_most() {
        let pauses: Vec<_> = (0..100)
            .map(|_| jittered(Duration::from_secs(10), 5))
            .collect();
        let low = Duration::from_secs(8);
        let high = Duration::from_secs(12);
        assert!(pauses.iter().all(|pause| (low..=high).contains(pause)));
        assert!(pauses.iter().any(|pause| *pause != pauses[0]));
    }
}
