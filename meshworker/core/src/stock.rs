//! Data that is kept in copies, and by whom.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

/// All data that the members keep, and whether each piece has all its copies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Copies {
    /// What they keep.
    pub stocks: Vec<Stock>,
    /// Whether all copies are made, as far as every node says that counts.
    pub made: bool,
    /// The processes that hold them, by their nodes' ids in the database, where one
    /// that is started anew may come back without what it had.
    pub runs: BTreeMap<String, Run>,
}

/// A process that holds data, or held some before it was started anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Run {
    /// Tells it from those that its node was before.
    pub process: String,
    /// Whether it holds nothing, and nothing but a new start explains it.
    pub empty: bool,
}

/// Data that is kept in copies, and by whom, as the engine reads it off the views.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stock {
    /// What it is, in the operator's words: "slots 0-5460", "namespace test".
    pub what: String,
    /// Into how many pieces it is cut.
    pub pieces: u64,
    /// What they are called: "slots", "partitions".
    pub unit: &'static str,
    /// On how many of the nodes each piece is.
    pub copies: usize,
    /// The nodes that hold it, by their ids in the database; with the time for which
    /// each has run, where its copies end with it. One that has them on a disk brings
    /// them along when it comes back.
    pub nodes: BTreeMap<String, Option<Duration>>,
}

impl Stock {
    /// So many of its pieces, in words.
    pub(crate) fn part(&self, some: u64) -> String {
        let Stock {
            what, pieces, unit, ..
        } = self;
        match some == *pieces {
            true => what.clone(),
            false => format!("about {some} of the {pieces} {unit} of {what}"),
        }
    }

    /// How many pieces have all their copies on so many of its nodes, where they are
    /// spread evenly: at least one, unless there are none.
    pub(crate) fn pieces_within(&self, some: usize) -> u64 {
        let all = self.nodes.len();
        if some >= all {
            return self.pieces;
        }
        let factors = (0..self.copies).map(|n| some.saturating_sub(n) as f64 / (all - n) as f64);
        let share: f64 = if self.copies > some {
            0.0
        } else {
            factors.product()
        };
        ((self.pieces as f64 * share).ceil() as u64).min(self.pieces)
    }
}
