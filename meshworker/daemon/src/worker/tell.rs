//! Tell: one fact for each thing that is new, once.

mod leavers;
mod look;
mod roles;
mod work;

use std::collections::{BTreeMap, BTreeSet};

use meshworker_core::{Change, Gate, Plan, Planner, Reason, Refusal, Request, Unity};
use meshworker_engines::Done;
use tokio::time::Instant;
use tracing::debug;

use crate::board::Fact;
use crate::status::EventKind;

use super::pass::Pass;
use leavers::Leavers;
use roles::Roles;
use work::{Work, without_counts};

pub use look::look;

/// Makes facts of what passes saw and did: each step and its outcome, each
/// refusal when it first stands and when it no longer does, each change of a
/// witness and of the whole.
#[derive(Debug, Default)]
pub struct Teller {
    unity: Option<String>,
    /// What was missing, each once, while they are not one.
    missing: BTreeSet<String>,
    work: Work,
    grades: Vec<String>,
    /// Which refusals stand, and what was not done.
    refused: BTreeMap<String, String>,
    leavers: Leavers,
    roles: Roles,
}

/// An announcement was not heard.
pub fn unheard(why: &str) -> Fact {
    let text = format!("an announcement was refused: {why}");
    Fact::new(EventKind::Refused, text)
        .because("announcement")
        .warning()
}

impl Teller {
    /// What is new in this pass.
    pub fn tell<P: Planner>(&mut self, pass: &Pass<P>) -> Vec<Fact> {
        let mut facts = self.witnesses(pass);
        let over = !matches!(pass.plan.unity, Unity::Apart { .. }) && pass.plan.leavers.is_empty();
        facts.extend(self.work.tell(&pass.done, over, Instant::now()));
        facts.extend(self.leavers.tell(pass));
        facts.extend(self.roles.tell(&pass.roster, &pass.observed.answers));
        facts.extend(self.refusals(&pass.plan));
        let answers = pass.observed.answers.values();
        let there = answers.filter(|answer| answer.is_ok()).count();
        facts.extend(self.unity(&pass.plan, there));
        facts
    }

    /// What was done last, and how the work ended that was under way: nobody looks on.
    pub fn end<R: Request>(&mut self, done: &[Done<R>]) -> Vec<Fact> {
        self.work.tell(done, true, Instant::now())
    }

    fn witnesses<P: Planner>(&mut self, pass: &Pass<P>) -> Vec<Fact> {
        let reports = &pass.observed.reports;
        let grades: Vec<String> = reports
            .iter()
            .map(|report| format!("{}: {}", report.witness, report.grade))
            .collect();
        let new = grades.iter().zip(reports);
        let new = new.filter(|(grade, _)| !self.grades.contains(grade));
        let facts = new.map(|(grade, report)| {
            let members = report.sightings.len();
            let text = format!("{grade}, members: {members}");
            Fact::new(EventKind::Witness, text).because(report.witness)
        });
        let facts = facts.collect();
        self.grades = grades;
        facts
    }

    fn refusals<R>(&mut self, plan: &Plan<R>) -> Vec<Fact> {
        let mut facts = Vec::new();
        let mut standing = BTreeMap::new();
        let mut stands = BTreeSet::new();
        for refusal in &plan.refusals {
            let Some(identity) = refusal.identity() else {
                debug!("{refusal}");
                continue;
            };
            if !self.refused.contains_key(&identity) && !standing.contains_key(&identity) {
                facts.push(refused(refusal));
            }
            stands.insert(refusal.what.clone());
            standing.insert(identity, refusal.what.clone());
        }
        let before = std::mem::replace(&mut self.refused, standing);
        // One that stands for another reason now was told above.
        let lifted: BTreeSet<String> = before.into_values().collect();
        facts.extend(lifted.difference(&stands).map(|what| {
            let text = format!("no longer refused: {what}");
            Fact::new(EventKind::Lifted, text)
        }));
        facts
    }

    /// Whether this was not told yet since the members were one.
    fn note(&mut self, missing: String) -> bool {
        self.missing.len() < MOST_MISSING && self.missing.insert(missing)
    }

    fn unity<R>(&mut self, plan: &Plan<R>, there: usize) -> Option<Fact> {
        let unity = plan.unity.to_string();
        let reason = match plan.unity {
            Unity::One { .. } => "one",
            Unity::Apart { .. } => "apart",
            Unity::Bereft { .. } => "bereft",
        };
        let is_news = match plan.unity {
            // While something is made, each pass misses something else: it is news when
            // others answer than did.
            Unity::Apart { .. } if !plan.steps.is_empty() => self.note(format!("work of {there}")),
            Unity::Apart { .. } => self.note(without_counts(&unity)),
            _ => {
                self.missing.clear();
                self.unity.as_ref() != Some(&unity)
            }
        };
        if !is_news {
            return None;
        }
        self.unity = Some(unity.clone());
        Some(Fact::new(EventKind::Unity, unity).because(reason))
    }
}

/// So many things that are missing are told while a cluster is not one.
const MOST_MISSING: usize = 256;

fn refused(refusal: &Refusal) -> Fact {
    let fact = match &refusal.reason {
        // Most likely a deployment that shrinks the database by mistake.
        Reason::Closed(closed) if closed.change == Change::Part && closed.gate == Gate::Floor => {
            let (seen, what) = (&closed.seen, &refusal.what);
            let text = format!("replica-reset guard: {seen}; not done: {what}");
            Fact::new(EventKind::Refused, text).warning()
        }
        Reason::DataLost(_) => {
            let what = refusal.what.trim_start_matches("keep ");
            let text = format!("data is lost: {what}: {}", refusal.reason);
            Fact::new(EventKind::Refused, text).warning()
        }
        _ => Fact::new(EventKind::Refused, refusal.to_string()),
    };
    fact.because(refusal.reason.kind()).on(&refusal.evidence)
}
