//! What the decision needs to know besides what was seen.

use std::collections::BTreeSet;

use crate::{Authority, Limits, Moment, Orders, Place};

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
    /// Whether this worker may act, as it was before the pass looked.
    pub authority: &'a Authority,
    /// The nodes that are still busy with what was asked earlier, of them or for them.
    pub busy: &'a BTreeSet<Place>,
    /// Any number, another one for each worker: what keeps two of them out of step.
    pub seed: u64,
}

/// Who is busy when each request is waited for.
const NOBODY: &BTreeSet<Place> = &BTreeSet::new();

impl<'a> Context<'a> {
    /// That of one worker alone, which nobody has ordered anything.
    pub fn alone(now: Moment, limits: &'a Limits) -> Context<'a> {
        Context {
            now,
            limits,
            min_members: 1,
            orders: Orders::none(),
            authority: Authority::alone(),
            busy: NOBODY,
            seed: 0,
        }
    }

    /// Whether anything is done of what is decided.
    pub(crate) fn acts(&self) -> bool {
        !self.orders.dry_run && self.authority.fence().is_some()
    }
}
