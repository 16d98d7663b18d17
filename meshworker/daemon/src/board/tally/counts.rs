//! What was counted for one cluster.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use meshworker_core::Witness;

use super::Histogram;
use crate::board::Look;
use crate::status::{EventKind, Severity};

/// Passes over few nodes take milliseconds; one that waits for a dead member's
/// deadline takes seconds.
pub const PASS_SECONDS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// A join takes a few passes; a member whose database loads its data first takes
/// minutes to answer.
pub const JOIN_SECONDS: &[f64] = &[
    0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0,
];

/// What was counted for one cluster: small enough to be copied for a scrape.
#[derive(Debug, Clone, PartialEq)]
pub struct Counts {
    pub(crate) passes: u64,
    pub(crate) durations: Histogram,
    pub(crate) joins: Histogram,
    pub(crate) answered: u64,
    pub(crate) unanswered: u64,
    pub(crate) answers: BTreeMap<(Witness, &'static str), u64>,
    pub(crate) steps: BTreeMap<(String, bool), u64>,
    pub(crate) refusals: BTreeMap<String, u64>,
    pub(crate) events: BTreeMap<(EventKind, Severity), u64>,
    pub(crate) queue_moved: Option<SystemTime>,
}

impl Default for Counts {
    fn default() -> Counts {
        Counts {
            passes: 0,
            durations: Histogram::new(PASS_SECONDS),
            joins: Histogram::new(JOIN_SECONDS),
            answered: 0,
            unanswered: 0,
            answers: BTreeMap::new(),
            steps: BTreeMap::new(),
            refusals: BTreeMap::new(),
            events: BTreeMap::new(),
            queue_moved: None,
        }
    }
}

impl Counts {
    /// The kinds of all refusals that ever stood.
    pub fn refused(&self) -> impl Iterator<Item = &str> {
        self.refusals.keys().map(String::as_str)
    }

    pub(super) fn pass(&mut self, look: &Look) {
        self.passes += 1;
        self.durations.observe(look.took);
        for answer in look.answers.values() {
            match answer {
                Ok(_) => self.answered += 1,
                Err(_) => self.unanswered += 1,
            }
        }
        for report in &look.reports {
            let key = (report.witness, report.grade.kind());
            *self.answers.entry(key).or_default() += 1;
        }
        for step in &look.steps {
            if let Some(ok) = step.ok {
                *self.steps.entry((step.kind.clone(), ok)).or_default() += 1;
            }
        }
    }

    pub(super) fn refusal(&mut self, kind: String) {
        *self.refusals.entry(kind).or_default() += 1;
    }

    pub(super) fn join(&mut self, took: Duration) {
        self.joins.observe(took);
    }

    pub(super) fn event(&mut self, kind: EventKind, severity: Severity) {
        *self.events.entry((kind, severity)).or_default() += 1;
    }

    pub(super) fn queue_moved(&mut self, moved: SystemTime) {
        self.queue_moved = Some(moved);
    }
}
