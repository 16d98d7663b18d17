//! What one pass saw, decided and did, whichever the engine.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use meshworker_core::{Leaver, Loss, Pace, Place, Reason, Refusal, Report, Roster, Unity, View};
use tokio::time::Instant;

use crate::status::StepStatus;

/// What one node said, without what only its database has.
pub type Head = View<()>;

/// How many requests a pass took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Requests {
    /// Questions to witnesses.
    pub witnesses: usize,
    /// Nodes asked for their view.
    pub views: usize,
    /// Steps made.
    pub steps: usize,
}

/// What one pass saw, decided and did, whichever the engine. Made in every
/// pass, so it shares what is large, and is put into words only for whoever
/// asks.
#[derive(Debug, Clone)]
pub struct Look {
    /// The pass's number.
    pub number: u64,
    /// When it was over.
    pub at: Instant,
    /// The same, by the clock.
    pub time: SystemTime,
    /// How long it took.
    pub took: Duration,
    /// What that cost.
    pub requests: Requests,
    /// One report per witness.
    pub reports: Vec<Report>,
    /// Who was there.
    pub roster: Roster,
    /// What each address answered.
    pub answers: BTreeMap<Place, Result<Head, String>>,
    /// The requests that were planned, and what came of them.
    pub steps: Vec<StepStatus>,
    /// What was not done.
    pub refusals: Vec<Refusal>,
    /// Who was on its way out.
    pub leavers: Vec<Leaver>,
    /// Whoever answered, or was listed, and has no say.
    pub outsiders: BTreeSet<Place>,
    /// How many members were meant to be there.
    pub wanted: usize,
    /// Data that was nowhere any more.
    pub losses: Vec<Loss>,
    /// Whether the members were one cluster.
    pub unity: Unity,
    /// Whether it was at rest.
    pub settled: bool,
    /// How soon the next pass comes.
    pub pace: Pace,
}

impl Look {
    /// Whether people are shown the same of both, but for the members' states and
    /// what changes with every pass.
    pub fn shows_the_same_as(&self, other: &Look) -> bool {
        fn reports(look: &Look) -> impl Iterator<Item = impl PartialEq + '_> {
            let reports = look.reports.iter();
            reports.map(|report| (report.witness, &report.grade, report.desired))
        }
        fn refusals(look: &Look) -> impl Iterator<Item = impl PartialEq + '_> {
            let refusals = look.refusals.iter();
            refusals.map(|refusal| (&refusal.what, refusal.reason.kind()))
        }
        fn leavers(look: &Look) -> impl Iterator<Item = impl PartialEq + '_> {
            let leavers = look.leavers.iter();
            leavers.map(|l| (&l.member, l.place, &l.progress, l.release.is_granted()))
        }
        fn heads(look: &Look) -> impl Iterator<Item = impl PartialEq + '_> {
            let heads = look.answers.values().flatten();
            heads.map(|head| (&head.working, &head.role, &head.holdings.refuses_writes))
        }
        fn steps(look: &Look) -> impl Iterator<Item = impl PartialEq + '_> {
            look.steps.iter().map(|step| (&step.to, &step.request))
        }
        self.unity == other.unity
            && reports(self).eq(reports(other))
            && refusals(self).eq(refusals(other))
            && leavers(self).eq(leavers(other))
            && heads(self).eq(heads(other))
            && steps(self).eq(steps(other))
    }

    /// Whether whoever is at this address starts only when the one before it in its slot has
    /// stopped: it is neither silent nor missed.
    pub fn waits(&self, address: Place) -> bool {
        let join = format!("join {address}");
        let mut refusals = self.refusals.iter();
        refusals.any(|one| matches!(one.reason, Reason::Waiting { .. }) && one.what == join)
    }

    /// How many members this report names, without those that wait.
    pub fn named_by(&self, report: &Report) -> usize {
        let named = report.sightings.iter();
        named.filter(|one| !self.waits(one.address)).count()
    }

    /// What the node at this address said.
    pub fn head(&self, address: Place) -> Option<&Head> {
        self.answers.get(&address)?.as_ref().ok()
    }
}
