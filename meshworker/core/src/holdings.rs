//! What a node has, and whether it takes more: in its engine's terms, as data.

use std::fmt;

use serde::Serialize;

use crate::{Replication, counted};

/// What a node says of what it has. Its engine fills in what is asked anyway; no decision
/// rests on it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Holdings {
    /// The id of the node whose data it copies.
    pub follows: Option<String>,
    /// Its figures, the most telling first.
    pub figures: Vec<Figure>,
    /// Why it refuses writes, in words for people; none while it takes them.
    pub refuses_writes: Option<String>,
    /// How it takes part in replication, where its database tells.
    pub replication: Option<Replication>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Figure {
    /// What is counted: `slots`, `keys`, `memory`.
    pub what: &'static str,
    /// How much there is.
    pub value: u64,
    /// How much there may be, where that is bounded.
    pub of: Option<u64>,
    /// In what it is counted.
    pub unit: Unit,
}

/// What a figure is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// What the figure names.
    Pieces,
    /// Bytes.
    Bytes,
}

impl Figure {
    /// So many of them.
    pub const fn count(what: &'static str, value: u64) -> Figure {
        Figure {
            what,
            value,
            of: None,
            unit: Unit::Pieces,
        }
    }

    /// So many bytes, of at most so many.
    pub const fn bytes(what: &'static str, value: u64, of: Option<u64>) -> Figure {
        Figure {
            what,
            value,
            of,
            unit: Unit::Bytes,
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Figure {
            what, value, of, ..
        } = self;
        let amount = |amount: u64| match self.unit {
            Unit::Pieces => (amount.to_string(), ""),
            Unit::Bytes => sized(amount),
        };
        let (value, unit) = amount(*value);
        match of.map(amount) {
            None => f.write_str(&counted(format_args!("{value}{unit}"), what)),
            Some((of, same)) if same == unit => write!(f, "{value}/{of}{unit} {what}"),
            Some((of, other)) => write!(f, "{value}{unit}/{of}{other} {what}"),
        }
    }
}

/// A size in the largest unit of which there is one, as `df -h` has them.
fn sized(bytes: u64) -> (String, &'static str) {
    let units = [
        (1 << 40, "T"),
        (1 << 30, "G"),
        (1 << 20, "M"),
        (1 << 10, "K"),
    ];
    let (size, unit) = units
        .into_iter()
        .find(|(size, _)| bytes >= *size)
        .unwrap_or((1, "B"));
    let whole = bytes / size;
    let tenth = (bytes % size).saturating_mul(10) / size;
    match (whole, tenth) {
        (0..10, 1..) => (format!("{whole}.{tenth}"), unit),
        _ => (whole.to_string(), unit),
    }
}
