//! Random numbers that need no quality: which record is read next.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A stream of numbers (xorshift).
pub(crate) struct Random(u64);

impl Random {
    /// Begins somewhere else each time.
    pub fn new() -> Self {
        // Zero would stay zero.
        Self(RandomState::new().build_hasher().finish() | 1)
    }

    /// A number from 1 to `most`; 1 when that is 0.
    pub fn up_to(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most.max(1) + 1
    }
}
