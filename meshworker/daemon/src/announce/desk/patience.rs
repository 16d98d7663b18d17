//! How often one member may wake the worker.

use std::time::Duration;

use tokio::time::Instant;

/// A member's life has a handful of changes: so many may come at once.
const AT_ONCE: u32 = 8;

/// Then one more each time that this has passed.
const EACH: Duration = Duration::from_secs(2);

/// How often one member may wake the worker by what it changes.
#[derive(Debug)]
pub(super) struct Patience {
    left: u32,
    since: Instant,
}

impl Patience {
    pub(super) fn new(now: Instant) -> Patience {
        Patience {
            left: AT_ONCE,
            since: now,
        }
    }

    /// Whether it may now.
    pub(super) fn allows(&mut self, now: Instant) -> bool {
        while self.left < AT_ONCE && now >= self.since + EACH {
            self.left += 1;
            self.since += EACH;
        }
        if self.left == AT_ONCE {
            self.since = now;
        }
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        true
    }
}
