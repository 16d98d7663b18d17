//! What one pass saw, decided and did.

use std::time::Duration;

use meshworker_core::{Observation, Plan, Planner, Roster};
use meshworker_engines::Done;
use tokio::time::Instant;

use crate::board::Requests;

/// What one pass saw, decided and did.
#[derive(Debug, Clone)]
pub struct Pass<P: Planner> {
    /// Counted from 1.
    pub number: u64,
    /// When the members were listened to: what they announced later is not in it.
    pub listened: Instant,
    /// How long it took.
    pub took: Duration,
    /// How much of that it waited for witnesses, and for what it asked of members.
    pub waited: Duration,
    /// What it saw.
    pub observed: Observation<P::Detail>,
    /// Who was there, as all witnesses together saw it, and by an operator's order.
    pub roster: Roster,
    /// What it decided.
    pub plan: Plan<P::Request>,
    /// What it did.
    pub done: Vec<Done<P::Request>>,
    /// What that cost.
    pub requests: Requests,
}

impl<P: Planner> Pass<P> {
    /// How long it was at work.
    pub fn worked(&self) -> Duration {
        self.took.saturating_sub(self.waited)
    }
}
