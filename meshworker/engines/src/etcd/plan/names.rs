//! By which number each member is known. It is that of the slot in which it joined, is part
//! of its name, and stays with its data: after a power cut Swarm may put a slot on a node
//! where only another slot's directory is. Of two that have each other's data each is found
//! all the same, and whoever is empty joins by a number that is free.

use std::collections::BTreeMap;

/// Which slots have whose data, by their numbers.
#[derive(Debug, Clone, Default)]
pub struct Names(BTreeMap<u64, u64>);

impl Names {
    /// Each slot, and the number of the member whose data is there.
    pub fn of(known: impl IntoIterator<Item = (u64, u64)>) -> Names {
        Names(known.into_iter().collect())
    }

    /// By which number an empty one in this slot is to join.
    pub fn free(&self, slot: u64) -> u64 {
        let mut number = slot;
        for _ in 0..=self.0.len() {
            match self.holder(number) {
                Some(other) => number = other,
                None => break,
            }
        }
        number
    }

    /// In which slot the member of this number is, or is to be.
    pub fn home(&self, number: u64) -> u64 {
        if let Some(slot) = self.holder(number) {
            return slot;
        }
        let mut slot = number;
        for _ in 0..=self.0.len() {
            match self.0.get(&slot) {
                Some(other) => slot = *other,
                None => break,
            }
        }
        slot
    }

    fn holder(&self, number: u64) -> Option<u64> {
        let mut all = self.0.iter();
        all.find(|(_, known)| **known == number)
            .map(|(slot, _)| *slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_empty_joins_by_the_number_that_is_free() {
        // Slot 2 has the data of 1, slot 3 that of 2; 4 is itself.
        let names = Names::of([(2, 1), (3, 2), (4, 4)]);
        assert_eq!([1, 2, 3, 4].map(|number| names.home(number)), [2, 3, 1, 4]);
        assert_eq!(names.free(1), 3);
        assert_eq!((names.free(5), names.home(5)), (5, 5));
        // A copy is no reason to look for ever.
        let copied = Names::of([(1, 2), (2, 1), (3, 1), (4, 3)]);
        assert_eq!((copied.home(4), copied.free(4)), (2, 4));
    }
}
