//! What was measured: figures with their targets, and a table behind them.

use std::fmt;
use std::time::Duration;

/// One figure and what it should be at most.
#[derive(Debug)]
pub struct Figure {
    what: String,
    measured: f64,
    target: f64,
    unit: &'static str,
}

impl Figure {
    /// A figure in this unit, which should be at most `target`.
    pub fn new(what: impl Into<String>, measured: f64, target: f64, unit: &'static str) -> Figure {
        Figure {
            what: what.into(),
            measured,
            target,
            unit,
        }
    }

    /// A figure in milliseconds.
    pub fn millis(what: impl Into<String>, measured: Duration, target: f64) -> Figure {
        Figure::new(what, millis(measured), target, "ms")
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let met = if self.measured <= self.target {
            "yes"
        } else {
            "**no**"
        };
        write!(
            f,
            "| {} | {} {unit} | {} {unit} | {met} |",
            self.what,
            short(self.measured),
            short(self.target),
            unit = self.unit
        )
    }
}

/// Figures that were measured together.
#[derive(Debug)]
pub struct Section {
    /// Its name.
    pub title: &'static str,
    /// The argument of `--only`.
    pub only: &'static str,
    /// How it was measured.
    pub how: String,
    /// The figures that have a target.
    pub figures: Vec<Figure>,
    /// All that was seen: the heads of the columns, then the rows.
    pub table: Vec<Vec<String>>,
}

/// A time in milliseconds.
pub fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// A number with three significant digits, more or less.
pub fn short(number: f64) -> String {
    match number.abs() {
        size if size >= 100.0 || size.fract() == 0.0 => format!("{number:.0}"),
        size if size >= 10.0 => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}

/// The value that this share of the sorted values does not exceed.
pub fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_seen() {
        let sorted: Vec<_> = (1..=100).map(Duration::from_millis).collect();
        assert_eq!(percentile(&sorted, 50), Duration::from_millis(50));
        assert_eq!(percentile(&sorted, 99), Duration::from_millis(99));
        assert_eq!(percentile(&sorted[..1], 50), Duration::from_millis(1));
        assert_eq!(percentile(&[], 50), Duration::ZERO);
    }

    #[test]
    fn a_figure_says_whether_it_met_its_target() {
        let row = |measured| Figure::new("size", measured, 10.0, "MB").to_string();
        assert_eq!(row(8.25), "| size | 8.25 MB | 10 MB | yes |");
        assert_eq!(row(12.34), "| size | 12.3 MB | 10 MB | **no** |");
    }
}
