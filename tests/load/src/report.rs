//! What is printed, one JSON value per line.

use serde::{Deserialize, Serialize};

/// What `run` did until a mark. Counts are from the beginning, times from the
/// mark before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The mark's name; `begin` after the first write, `end` at the end.
    pub mark: String,
    /// The number of the last acknowledged write; all before it are too.
    pub acknowledged: u64,
    /// How many reads were answered.
    pub reads: u64,
    /// How many answers were not the record's value, or said it is not there.
    pub read_mismatches: u64,
    /// The first of those, in words.
    pub first_mismatch: Option<String>,
    /// How many attempts, reads and writes, came to nothing and were repeated.
    pub retries: u64,
    /// Why the last of them did, in words.
    pub last_setback: Option<String>,
    /// The longest pause between two acknowledged writes, in milliseconds.
    pub write_stall_ms: u64,
    /// The longest pause between two answered reads, in milliseconds.
    pub read_stall_ms: u64,
    /// The longest pause between two acknowledged writes of this run, in
    /// milliseconds.
    pub write_stall_overall_ms: u64,
}

/// What `verify` found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// How many base records there should be.
    pub records: u64,
    /// How many there are, with their values.
    pub found: u64,
    /// The first of what is missing or has another value, with what was read.
    pub lost: Vec<String>,
    /// How many writes were acknowledged.
    pub acknowledged: u64,
    /// How many of those are missing or have another value.
    pub acknowledged_lost: u64,
    /// Their numbers, as first and last of each row without a gap.
    pub acknowledged_lost_ranges: Vec<(u64, u64)>,
}

impl Verified {
    /// Whether everything is there.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.found == self.records && self.acknowledged_lost == 0
    }
}

/// Sorted numbers as first and last of each row without a gap.
pub(crate) fn ranges(numbers: &[u64]) -> Vec<(u64, u64)> {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for &number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_without_a_gap() {
        assert_eq!(
            ranges(&[1, 2, 3, 7, 9, 10]),
            [(1, 3), (7, 7), (9, 10)].to_vec()
        );
        assert_eq!(ranges(&[]), Vec::new());
    }
}
