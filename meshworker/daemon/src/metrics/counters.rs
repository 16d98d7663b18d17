//! What was counted for one cluster, written down.

use std::time::{SystemTime, UNIX_EPOCH};

use meshworker_core::Witness;

use super::Page;
use super::names::{GRADES, STEP_KINDS, severity, witness};
use super::registry::{
    EVENTS, JOIN_DURATION, LEAVE_MOVED, PASS_DURATION, PASSES, REFUSALS_TOTAL, STEPS, VIEWS,
    WITNESS_ANSWERS,
};
use crate::board::Counts;

/// How steps end.
const OUTCOMES: [(bool, &str); 2] = [(true, "ok"), (false, "failed")];

/// Writes all of it. What can be counted is there from the beginning where
/// that is known, so that the first one shows as an increase.
pub fn write(counts: &Counts, page: &mut Page, cluster: &str) {
    page.counter(&PASSES, &[cluster], counts.passes);
    page.histogram(&PASS_DURATION, &[cluster], &counts.durations);
    page.histogram(&JOIN_DURATION, &[cluster], &counts.joins);
    page.counter(&VIEWS, &[cluster, "answered"], counts.answered);
    page.counter(&VIEWS, &[cluster, "unanswered"], counts.unanswered);
    let mut witnesses: Vec<Witness> = counts.answers.keys().map(|(who, _)| *who).collect();
    witnesses.dedup();
    for who in witnesses {
        for grade in GRADES {
            let count = counts.answers.get(&(who, grade)).copied();
            let labels = [cluster, witness(who), grade];
            page.counter(&WITNESS_ANSWERS, &labels, count.unwrap_or(0));
        }
    }
    for kind in STEP_KINDS.map(|kind| kind.to_string()) {
        for (ok, outcome) in OUTCOMES {
            let count = counts.steps.get(&(kind.clone(), ok)).copied();
            page.counter(&STEPS, &[cluster, &kind, outcome], count.unwrap_or(0));
        }
    }
    for (kind, count) in &counts.refusals {
        page.counter(&REFUSALS_TOTAL, &[cluster, kind], *count);
    }
    if let Some(moved) = counts.queue_moved {
        page.put(&LEAVE_MOVED, &[cluster], timestamp(moved));
    }
    for ((kind, how), count) in &counts.events {
        let labels = [cluster, kind.name(), severity(*how)];
        page.counter(&EVENTS, &labels, *count);
    }
}

/// Seconds since 1970.
pub(super) fn timestamp(time: SystemTime) -> f64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    // Milliseconds are enough, and short.
    since.as_millis() as f64 / 1000.0
}
