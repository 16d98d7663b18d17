//! A family of series: one name, one meaning.

/// How a family's values move.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// It only grows, from zero when the cluster's worker starts.
    Counter,
    /// It is what it is now.
    Gauge,
    /// How many values were at most so large, for these bounds.
    Histogram(&'static [f64]),
}

impl Kind {
    /// Its name in the text format.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        }
    }
}

/// A family of series: one name, one meaning, one series for each combination
/// of its labels' values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Family {
    /// Its name, with its unit.
    pub name: &'static str,
    /// How its values move.
    pub kind: Kind,
    /// Its labels' names.
    pub labels: &'static [&'static str],
    /// What it means, in one line.
    pub help: &'static str,
}

impl Family {
    /// The names under which its values stand in queries.
    pub fn series(&self) -> Vec<String> {
        let suffixes: &[&str] = match self.kind {
            Kind::Counter | Kind::Gauge => &[""],
            Kind::Histogram(_) => &["_bucket", "_count", "_sum"],
        };
        let suffixes = suffixes.iter();
        suffixes
            .map(|suffix| format!("{}{suffix}", self.name))
            .collect()
    }
}
