//! Chance that can be repeated: the same seed, the same draws.

/// A generator of the SplitMix64 family: one number of state, and good enough
/// to choose among faults.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// A number below `bound`; 0 when the bound is 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        (mixed % bound.max(1) as u64) as usize
    }

    /// `keep` of the items, in their order.
    pub(crate) fn some<T: Clone>(&mut self, items: &[T], keep: usize) -> Vec<T> {
        let mut left: Vec<usize> = (0..items.len()).collect();
        while left.len() > keep {
            left.remove(self.below(left.len()));
        }
        left.into_iter().map(|i| items[i].clone()).collect()
    }
}
