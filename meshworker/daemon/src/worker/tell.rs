//! Tell: one log line per fact, once.

mod leavers;

use std::collections::BTreeSet;

use meshworker_core::{Evidence, Plan, Planner, Reason, Refusal, ReleaseGate};
use tracing::{debug, info, warn};

use crate::config::Cluster;

use super::pass::Pass;
use leavers::Leavers;

/// Writes what passes saw and did to the log: each step and its outcome, each
/// refusal when it first stands, each change of a witness and of the whole.
pub struct Teller {
    cluster: String,
    unity: Option<String>,
    grades: Vec<String>,
    refused: BTreeSet<String>,
    leavers: Leavers,
}

impl Teller {
    /// A teller that has told nothing yet.
    pub fn new(cluster: &Cluster) -> Teller {
        Teller {
            cluster: cluster.name.clone(),
            unity: None,
            grades: Vec::new(),
            refused: BTreeSet::new(),
            leavers: Leavers::default(),
        }
    }

    /// Tells what is new in this pass.
    pub fn tell<P: Planner>(&mut self, pass: &Pass<P>) {
        self.tell_witnesses(pass);
        self.tell_steps(pass);
        self.leavers.tell(&self.cluster, pass);
        self.tell_refusals(&pass.plan);
        let unity = pass.plan.unity.to_string();
        if self.unity.as_ref() != Some(&unity) {
            info!(
                cluster = self.cluster,
                one = pass.plan.unity.is_one(),
                "{unity}"
            );
            self.unity = Some(unity);
        }
        debug!(
            cluster = self.cluster,
            pass = pass.number,
            took_ms = pass.took.as_secs_f64() * 1000.0,
            views = pass.requests.views,
            steps = pass.requests.steps,
            pace = ?pass.plan.pace,
            "pass"
        );
    }

    fn tell_witnesses<P: Planner>(&mut self, pass: &Pass<P>) {
        let reports = pass.observed.reports.iter();
        let grades: Vec<String> = reports
            .map(|report| format!("{}: {}", report.witness, report.grade))
            .collect();
        if grades == self.grades {
            return;
        }
        for report in &pass.observed.reports {
            if !self
                .grades
                .contains(&format!("{}: {}", report.witness, report.grade))
            {
                info!(
                    cluster = self.cluster,
                    witness = %report.witness,
                    grade = %report.grade,
                    members = report.sightings.len(),
                    "witness"
                );
            }
        }
        self.grades = grades;
    }

    fn tell_steps<P: Planner>(&self, pass: &Pass<P>) {
        for done in &pass.done {
            match &done.reply {
                Ok(reply) => info!(
                    cluster = self.cluster,
                    kind = %done.kind,
                    step = done.step,
                    reply,
                    evidence = %listed(&done.evidence),
                    "done"
                ),
                Err(failure) => warn!(
                    cluster = self.cluster,
                    kind = %done.kind,
                    step = done.step,
                    %failure,
                    evidence = %listed(&done.evidence),
                    "failed"
                ),
            }
        }
    }

    fn tell_refusals<R>(&mut self, plan: &Plan<R>) {
        let standing: BTreeSet<String> = plan.refusals.iter().map(identity).collect();
        for refusal in &plan.refusals {
            if self.refused.contains(&identity(refusal)) {
                continue;
            }
            match &refusal.reason {
                // Waiting for a step's effect is the rule, not news.
                Reason::Awaiting { .. } => debug!(cluster = self.cluster, "{refusal}"),
                // Most likely a deployment that shrinks the database by mistake.
                Reason::Held {
                    gate: gate @ ReleaseGate::Floor,
                    seen,
                } => warn!(
                    cluster = self.cluster,
                    what = refusal.what,
                    reason = gate.kind(),
                    evidence = %listed(&refusal.evidence),
                    "replica-reset guard: {seen}; not done: {}",
                    refusal.what
                ),
                reason => info!(
                    cluster = self.cluster,
                    what = refusal.what,
                    reason = reason.kind(),
                    evidence = %listed(&refusal.evidence),
                    "{refusal}"
                ),
            }
        }
        self.refused = standing;
    }
}

/// Which refusal this is, without what changes from pass to pass: "12 s are
/// left" is no news after "13 s are left".
fn identity(refusal: &Refusal) -> String {
    format!("{}: {}", refusal.what, refusal.reason.kind())
}

fn listed(evidence: &[Evidence]) -> String {
    let evidence: Vec<String> = evidence.iter().map(ToString::to_string).collect();
    evidence.join("; ")
}
