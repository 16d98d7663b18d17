//! Counts what passes see and do.

mod counts;
mod histogram;
mod joins;
mod queue;

use std::collections::{BTreeMap, BTreeSet};

use crate::board::{Fact, Look};
use crate::status::MemberState;
use meshworker_core::Place;

use joins::Joins;
use queue::Queue;

pub use counts::{Counts, JOIN_SECONDS, PASS_SECONDS};
pub use histogram::Histogram;

/// Counts what passes over one cluster see and do, and remembers what it takes
/// to count each thing once.
#[derive(Debug, Default)]
pub struct Tally {
    counts: Counts,
    /// Which refusals stand.
    standing: BTreeSet<String>,
    joins: Joins,
    queue: Queue,
}

impl Tally {
    /// Counts a pass that is over, with each member's state by its address.
    pub fn note(&mut self, look: &Look, states: &BTreeMap<Place, (String, MemberState)>) {
        self.counts.pass(look);
        let mut standing = BTreeSet::new();
        for refusal in &look.refusals {
            let Some(identity) = refusal.identity() else {
                continue;
            };
            let is_new = !self.standing.contains(&identity);
            if standing.insert(identity) && is_new {
                self.counts.refusal(refusal.reason.kind().into_owned());
            }
        }
        self.standing = standing;
        for took in self.joins.note(look, states) {
            self.counts.join(took);
        }
        self.counts.queue_moved(self.queue.note(look));
    }

    /// Counts a fact that was told.
    pub fn told(&mut self, fact: &Fact) {
        self.counts.event(fact.kind, fact.severity);
    }

    /// What was counted so far.
    pub fn counts(&self) -> Counts {
        self.counts.clone()
    }
}
