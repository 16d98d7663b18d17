//! How long it took from one success to the next.

use std::time::Duration;

use tokio::time::Instant;

/// The longest pause between two successes.
#[derive(Debug)]
pub(crate) struct Meter {
    last: Instant,
    since_mark: Duration,
    overall: Duration,
}

impl Meter {
    /// Nothing has succeeded yet; the time counts from here.
    pub fn new(now: Instant) -> Self {
        Self {
            last: now,
            since_mark: Duration::ZERO,
            overall: Duration::ZERO,
        }
    }

    /// Something succeeded.
    pub fn succeeded(&mut self, now: Instant) {
        let gap = now.duration_since(self.last);
        self.since_mark = self.since_mark.max(gap);
        self.overall = self.overall.max(gap);
        self.last = now;
    }

    /// The longest pause since the last mark, one that lasts until now
    /// included; begins anew. A pause that goes on over a mark counts on both
    /// sides of it.
    pub fn mark(&mut self, now: Instant) -> Duration {
        let lasting = now.duration_since(self.last);
        let longest = self.since_mark.max(lasting);
        self.overall = self.overall.max(lasting);
        self.since_mark = Duration::ZERO;
        longest
    }

    /// The longest pause of all.
    pub fn overall(&self) -> Duration {
        self.overall
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_pause_since_the_mark_and_one_that_lasts() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut meter = Meter::new(start);
        for ms in [10, 400, 410] {
            meter.succeeded(at(ms));
        }
        assert_eq!(meter.mark(at(420)), Duration::from_millis(390));
        meter.succeeded(at(430));
        assert_eq!(meter.mark(at(431)), Duration::from_millis(20));
        assert_eq!(meter.mark(at(1430)), Duration::from_millis(1000));
        meter.succeeded(at(2430));
        assert_eq!(meter.mark(at(2430)), Duration::from_millis(2000));
        assert_eq!(meter.overall(), Duration::from_millis(2000));
    }
}
