//! How a store stands, as its group's leader sees it.

use std::time::Duration;

use meshworker_core::Moment;

use crate::Seat;

/// How a store stands, as its group's leader sees it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// Where it runs.
    pub seat: Seat,
    /// Whether it outlives its worker.
    pub kept: bool,
    /// For how long none of those that vote and are there has heard it.
    pub unheard: Duration,
    /// Since when its log is as good as the leader's.
    pub in_step: Option<Moment>,
    /// Since when it says that it is about to end.
    pub leaving: Option<Moment>,
    /// Whether every witness that could list it listed it no more.
    pub gone: bool,
}

impl Standing {
    /// Whether it is there now.
    pub(crate) fn is_live(&self) -> bool {
        self.unheard < crate::book::FRESH
    }
}
