//! The one clock: time for decisions, times for people, and pauses that differ.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, SystemTime};

use meshworker_core::Moment;
use tokio::time::Instant;

/// Counts from when it was started, for decisions, which know no other time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock(Instant);

impl Clock {
    /// Starts it.
    pub(crate) fn start() -> Clock {
        Clock(Instant::now())
    }

    /// What it shows now.
    pub(crate) fn now(self) -> Moment {
        self.at(Instant::now())
    }

    /// What it showed then.
    pub(crate) fn at(self, then: Instant) -> Moment {
        Moment(then - self.0)
    }
}

/// A time for people and programs, in the form of RFC 3339.
pub(crate) fn told(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}

/// The same as a number: milliseconds since 1970.
pub(crate) fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    let millis = since.unwrap_or_default().as_millis();
    u64::try_from(millis).unwrap_or(u64::MAX)
}

/// Another number each time.
pub(crate) fn chance() -> u64 {
    // Each RandomState has keys of its own, which is all the chance needed here.
    RandomState::new().hash_one(())
}

/// This pause, so that several workers do not stay in step: give or take this part of it: the fifth, the tenth.
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
