//! When a request whose effect does not show is made again.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use crate::{Limits, Moment};

/// How often a request was made, and when last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// How often the request was made.
    pub attempts: u32,
    /// When it was made last, or was first thought of.
    pub last: Moment,
}

impl Backoff {
    /// No attempt yet: it may prove needless, as it seems `now`.
    pub fn none(now: Moment) -> Backoff {
        Backoff {
            attempts: 0,
            last: now,
        }
    }

    /// The first attempt, made `now`.
    pub fn first(now: Moment) -> Backoff {
        Backoff {
            attempts: 1,
            last: now,
        }
    }

    /// One more attempt, made `now`.
    pub fn again(self, now: Moment) -> Backoff {
        Backoff {
            attempts: self.attempts.saturating_add(1),
            last: now,
        }
    }

    /// The time that is left before the request `key` may be made again.
    ///
    /// Doubles with each attempt, from [`Limits::retry_first`] to
    /// [`Limits::retry_most`], and is longer by up to a quarter: by a jitter
    /// drawn from the key and the worker's seed, so that two workers do not stay
    /// in step and a test sees the same plan twice.
    pub fn left(&self, key: &str, seed: u64, limits: &Limits, now: Moment) -> Duration {
        let doubled = limits
            .retry_first
            .saturating_mul(1 << self.attempts.saturating_sub(1).min(16));
        let pause = doubled.min(limits.retry_most);
        let mut hasher = DefaultHasher::new();
        (seed, key, self.attempts).hash(&mut hasher);
        let quarters = (hasher.finish() % 256) as u32;
        let jittered = pause.saturating_add(pause.saturating_mul(quarters) / (4 * 256));
        jittered.saturating_sub(now.since(self.last))
    }
}
