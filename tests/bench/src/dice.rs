//! Chance that repeats itself: the same seed gives the same story.

use std::time::Duration;

/// Draws numbers by splitmix64, which is short and good enough for stories.
#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    /// The draws of this seed.
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A time between these two, in milliseconds.
    pub fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_micros(from * 1000 + self.draw() % ((to - from) * 1000))
    }

    /// Heads or tails.
    pub fn coin(&mut self) -> bool {
        self.draw().is_multiple_of(2)
    }
}
