//! What the decision needs to know besides what was seen.

use crate::{Limits, Moment, Orders};

/// What the decision needs to know besides what was seen.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// When the pass looked.
    pub now: Moment,
    /// The bounds of what may be done.
    pub limits: &'a Limits,
    /// The fewest members that count as the whole cluster.
    pub min_members: usize,
    /// What an operator has ordered.
    pub orders: &'a Orders,
    /// Any number, another one for each worker: what keeps two of them out of step.
    pub seed: u64,
}
