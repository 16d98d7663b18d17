//! How values are distributed.

use std::time::Duration;

/// How many values were at most so large, for each of a few bounds.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    bounds: &'static [f64],
    /// One for each bound, and one for what is larger than all.
    counts: Vec<u64>,
    sum: f64,
}

impl Histogram {
    /// Nothing yet; the bounds ascend.
    pub fn new(bounds: &'static [f64]) -> Histogram {
        Histogram {
            bounds,
            counts: vec![0; bounds.len() + 1],
            sum: 0.0,
        }
    }

    /// Counts a time.
    pub fn observe(&mut self, time: Duration) {
        let seconds = time.as_secs_f64();
        let place = self.bounds.partition_point(|bound| *bound < seconds);
        if let Some(count) = self.counts.get_mut(place) {
            *count += 1;
        }
        self.sum += seconds;
    }

    /// For each bound, how many values were at most so large.
    pub fn cumulated(&self) -> impl Iterator<Item = (f64, u64)> {
        let counts = self.bounds.iter().zip(&self.counts);
        counts.scan(0, |below, (bound, count)| {
            *below += count;
            Some((*bound, *below))
        })
    }

    /// How many values there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Their sum, in seconds.
    pub fn sum(&self) -> f64 {
        self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_counts_below_every_bound_that_it_does_not_exceed() {
        let mut histogram = Histogram::new(&[0.1, 1.0]);
        for millis in [100, 101, 1_000, 2_000] {
            histogram.observe(Duration::from_millis(millis));
        }
        let cumulated: Vec<_> = histogram.cumulated().collect();
        assert_eq!(cumulated, [(0.1, 1), (1.0, 3)]);
        assert_eq!(histogram.count(), 4);
        assert!((histogram.sum() - 3.201).abs() < 1e-9);
    }
}
