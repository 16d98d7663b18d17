//! Sets of hash slots.
//!
//! A Redis cluster has 16384 hash slots, numbered from 0; every key belongs to
//! one of them. <https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#key-distribution-model>

use std::fmt;

use serde::{Serialize, Serializer};

/// How many hash slots there are.
pub const SLOTS: u16 = 16384;

/// A set of hash slots, as sorted ranges that neither touch nor overlap.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Slots(Vec<(u16, u16)>);

impl Slots {
    /// All slots.
    #[cfg(test)]
    pub fn all() -> Slots {
        Slots(vec![(0, SLOTS - 1)])
    }

    /// The slots in these ranges, both ends included. Slots that do not exist
    /// are left out.
    pub fn from_ranges(ranges: impl IntoIterator<Item = (u16, u16)>) -> Slots {
        let mut ranges: Vec<_> = ranges
            .into_iter()
            .filter(|(first, last)| first <= last && *last < SLOTS)
            .collect();
        ranges.sort_unstable();
        let mut merged: Vec<(u16, u16)> = Vec::new();
        for (first, last) in ranges {
            match merged.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
                _ => merged.push((first, last)),
            }
        }
        merged.shrink_to_fit();
        Slots(merged)
    }

    /// The ranges, both ends included.
    pub fn ranges(&self) -> &[(u16, u16)] {
        &self.0
    }

    /// Every slot, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = u16> {
        self.0.iter().flat_map(|(first, last)| *first..=*last)
    }

    /// How many slots there are in it.
    pub fn count(&self) -> usize {
        let sizes = self.0.iter();
        sizes
            .map(|(first, last)| usize::from(last - first) + 1)
            .sum()
    }

    /// Whether there is no slot in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this slot is in it.
    pub fn contains(&self, slot: u16) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= slot);
        after > 0 && self.0.get(after - 1).is_some_and(|(_, last)| slot <= *last)
    }

    /// The slots that are in this set or the other one.
    pub fn union(&self, other: &Slots) -> Slots {
        Slots::from_ranges(self.0.iter().chain(&other.0).copied())
    }

    /// Whether some slot is in both sets.
    pub fn intersects(&self, other: &Slots) -> bool {
        self.union(other).count() < self.count() + other.count()
    }

    /// The slots that are not in this set.
    pub fn missing(&self) -> Slots {
        let mut next = 0;
        let mut gaps = Vec::new();
        for (first, last) in &self.0 {
            if *first > next {
                gaps.push((next, first - 1));
            }
            next = last + 1;
        }
        if next < SLOTS {
            gaps.push((next, SLOTS - 1));
        }
        Slots(gaps)
    }
}

impl FromIterator<u16> for Slots {
    fn from_iter<I: IntoIterator<Item = u16>>(slots: I) -> Slots {
        Slots::from_ranges(slots.into_iter().map(|slot| (slot, slot)))
    }
}

impl fmt::Display for Slots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (first, last)) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str(" ")?;
            }
            if first == last {
                write!(f, "{first}")?;
            } else {
                write!(f, "{first}-{last}")?;
            }
        }
        Ok(())
    }
}

impl Serialize for Slots {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_are_merged_and_shown_as_redis_writes_them() {
        let slots = Slots::from_ranges([(5, 6), (0, 3), (4, 4), (9, 9), (3, 2), (16384, 16390)]);
        assert_eq!(slots.to_string(), "0-6 9");
        assert_eq!(slots.missing().to_string(), "7-8 10-16383");
        assert_eq!(Slots::all().missing(), Slots::default());
        assert_eq!(Slots::default().missing(), Slots::all());
    }

    proptest! {
        #[test]
        fn a_set_and_what_it_misses_are_all_slots_once(
            ranges in prop::collection::vec((0u16..17000, 0u16..17000), 0..30),
        ) {
            let slots = Slots::from_ranges(ranges);
            let missing = slots.missing();
            prop_assert_eq!(slots.count() + missing.count(), usize::from(SLOTS));
            prop_assert_eq!(slots.union(&missing), Slots::all());
            prop_assert!(missing.iter().all(|slot| !slots.contains(slot)));
            prop_assert!(!slots.intersects(&missing));
            prop_assert_eq!(slots.intersects(&slots), !slots.is_empty());
            prop_assert_eq!(slots.iter().collect::<Slots>(), slots);
        }
    }
}
