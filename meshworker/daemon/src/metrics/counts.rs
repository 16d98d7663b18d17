//! What was counted for one cluster.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use meshworker_core::Witness;

use super::names::{GRADES, STEP_KINDS, grade, severity, witness};
use super::registry::{
    EVENTS, JOIN_DURATION, LEAVE_MOVED, PASS_DURATION, PASSES, REFUSALS_TOTAL, STEPS, VIEWS,
    WITNESS_ANSWERS,
};
use super::{Family, Histogram, Kind, Page};
use crate::board::Look;
use crate::status::{EventKind, Severity};

/// How steps end.
const OUTCOMES: [(bool, &str); 2] = [(true, "ok"), (false, "failed")];

/// What was counted for one cluster: small enough to be copied for a scrape.
#[derive(Debug, Clone, PartialEq)]
pub struct Counts {
    passes: u64,
    durations: Histogram,
    joins: Histogram,
    answered: u64,
    unanswered: u64,
    answers: BTreeMap<(Witness, &'static str), u64>,
    steps: BTreeMap<(String, bool), u64>,
    refusals: BTreeMap<String, u64>,
    events: BTreeMap<(EventKind, Severity), u64>,
    queue_moved: Option<SystemTime>,
}

impl Default for Counts {
    fn default() -> Counts {
        Counts {
            passes: 0,
            durations: histogram(&PASS_DURATION),
            joins: histogram(&JOIN_DURATION),
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

fn histogram(family: &Family) -> Histogram {
    match family.kind {
        Kind::Histogram(bounds) => Histogram::new(bounds),
        Kind::Counter | Kind::Gauge => Histogram::new(&[]),
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
            let key = (report.witness, grade(&report.grade));
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

    /// Writes all of it. What can be counted is there from the beginning where
    /// that is known, so that the first one shows as an increase.
    pub fn write(&self, page: &mut Page, cluster: &str) {
        page.counter(&PASSES, &[cluster], self.passes);
        page.histogram(&PASS_DURATION, &[cluster], &self.durations);
        page.histogram(&JOIN_DURATION, &[cluster], &self.joins);
        page.counter(&VIEWS, &[cluster, "answered"], self.answered);
        page.counter(&VIEWS, &[cluster, "unanswered"], self.unanswered);
        let mut witnesses: Vec<Witness> = self.answers.keys().map(|(who, _)| *who).collect();
        witnesses.dedup();
        for who in witnesses {
            for grade in GRADES {
                let count = self.answers.get(&(who, grade)).copied();
                let labels = [cluster, witness(who), grade];
                page.counter(&WITNESS_ANSWERS, &labels, count.unwrap_or(0));
            }
        }
        for kind in STEP_KINDS.map(|kind| kind.to_string()) {
            for (ok, outcome) in OUTCOMES {
                let count = self.steps.get(&(kind.clone(), ok)).copied();
                page.counter(&STEPS, &[cluster, &kind, outcome], count.unwrap_or(0));
            }
        }
        for (kind, count) in &self.refusals {
            page.counter(&REFUSALS_TOTAL, &[cluster, kind], *count);
        }
        if let Some(moved) = self.queue_moved {
            page.put(&LEAVE_MOVED, &[cluster], timestamp(moved));
        }
        for ((kind, how), count) in &self.events {
            let labels = [cluster, kind.name(), severity(*how)];
            page.counter(&EVENTS, &labels, *count);
        }
    }
}

/// Seconds since 1970.
pub(super) fn timestamp(time: SystemTime) -> f64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    // Milliseconds are enough, and short.
    since.as_millis() as f64 / 1000.0
}
