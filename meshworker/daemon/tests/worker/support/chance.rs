//! Chance that can be repeated.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

/// The same seed, the same moments.
pub struct Chance {
    seed: u64,
    drawn: u64,
}

impl Chance {
    /// Begins anew with this seed.
    pub fn new(seed: u64) -> Chance {
        Chance { seed, drawn: 0 }
    }

    /// A time below `most`, to the millisecond.
    pub fn below(&mut self, most: Duration) -> Duration {
        self.drawn += 1;
        let mut hasher = DefaultHasher::new();
        (self.seed, self.drawn).hash(&mut hasher);
        let most = most.as_millis() as u64;
        Duration::from_millis(hasher.finish() % most.max(1))
    }
}
