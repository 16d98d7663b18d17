//! Faults that were mended once, each put back alone: what the simulation must find.
//!
//! None of this is in what is released. An old way to plan is put back around the real
//! planner, an old way to understand a witness between the two, and an old way to move
//! slots in the model that stands for the engine's.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use meshworker_core::{
    Capabilities, Limits, Member, MemberId, Place, Planner, Presence, Proposal, Report, Roster,
    Sighting, Situation, Unanswered, Witness,
};

use crate::setup::{Setup, Trouble};

/// A fault that was mended, and is back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relapse {
    /// A slot was moved without a look at what its source says of it: two workers could
    /// move it to two targets.
    TwoTargets,
    /// The first slots were dealt out among those that answered, whoever was still to
    /// come.
    EmptyFirst,
    /// Whoever the task list lost sight of was taken for one that is meant to go, though
    /// it announced itself.
    SightIsWish,
    /// When exactly half of the members had vanished, they were forgotten one by one.
    HalfIsFew,
    /// What is taken from members that are meant to go passed no gate.
    Ungated,
    /// A copy of AllegroGraph took the controlling server's place without an order.
    Promotes,
}

impl Relapse {
    /// All of them, by their names on the command line.
    pub const ALL: [(&str, Relapse); 6] = [
        ("two-targets", Relapse::TwoTargets),
        ("empty-first", Relapse::EmptyFirst),
        ("sight-is-wish", Relapse::SightIsWish),
        ("half-is-few", Relapse::HalfIsFew),
        ("ungated", Relapse::Ungated),
        ("promotes", Relapse::Promotes),
    ];

    /// Puts it back into a kind of world in which it shows soon.
    pub fn put_back(self, setup: &mut Setup) {
        setup.relapse = Some(self);
        (setup.squatter, setup.supervised) = (false, true);
        setup.faults = self != Relapse::SightIsWish;
        (setup.replicas, setup.share) = (6, 100);
        match self {
            Relapse::TwoTargets => {
                (setup.workers, setup.replicas_per_master) = (2, 0);
                (setup.haste, setup.quiet_from) = (30_000, 200_000);
                setup.grace = 180_000;
                setup.trouble = Some(Trouble::TwoMinds);
            }
            Relapse::EmptyFirst => {
                (setup.hosts, setup.docker, setup.volumes) = (2, true, true);
                setup.trouble = Some(Trouble::LostDisk);
            }
            Relapse::SightIsWish => {
                (setup.docker, setup.haste, setup.quiet_from) = (true, 60_000, 250_000);
                setup.grace = 180_000;
                setup.trouble = Some(Trouble::DeadEngine);
            }
            Relapse::HalfIsFew => {
                (setup.docker, setup.hosts, setup.quiet_from) = (false, 2, 110_000);
                setup.trouble = Some(Trouble::Half);
            }
            Relapse::Ungated => {
                (setup.docker, setup.hands_over) = (true, true);
                setup.trouble = Some(Trouble::TooFew);
            }
            Relapse::Promotes => setup.docker = true,
        }
    }

    /// What the witnesses said, as it was understood then.
    pub fn hear(self, reports: &mut [Report]) {
        if self != Relapse::SightIsWish {
            return;
        }
        for report in reports.iter_mut().filter(|r| r.witness == Witness::Docker) {
            for sighting in &mut report.sightings {
                if sighting.presence == Presence::OutOfSight {
                    sighting.presence = Presence::Leaving;
                }
            }
        }
    }
}

/// The real planner, and around it the fault that is back, if any.
#[derive(Debug)]
pub struct Relapsed<P> {
    planner: P,
    relapse: Option<Relapse>,
    /// Whether as many had vanished as were there, when that was looked at last.
    half: Cell<bool>,
}

impl<P: Planner> Relapsed<P> {
    /// This planner with this fault.
    pub fn of(planner: P, relapse: Option<Relapse>) -> Relapsed<P> {
        Relapsed {
            planner,
            relapse,
            half: Cell::new(false),
        }
    }

    /// The bounds of what may be done, as they were then.
    pub fn limits(&self, limits: &Limits) -> Limits {
        let mut limits = limits.clone();
        if self.relapse == Some(Relapse::HalfIsFew) && self.half.get() {
            limits.mass_vanish_hold = Duration::ZERO;
        }
        limits
    }

    /// The same situation, as if there were nobody but those that answer or load.
    fn propose_for_those_there(
        &self,
        situation: &Situation<'_, P::Detail>,
    ) -> Proposal<P::Request> {
        let there = |member: &&Member| {
            let answer = situation.answers.get(&member.address);
            matches!(answer, Some(Ok(_) | Err(Unanswered::Starting(_))))
        };
        let mut reports: BTreeMap<Witness, Report> = BTreeMap::new();
        for member in situation.roster.members().iter().filter(there) {
            for (witness, presence) in &member.seen {
                let report = reports.entry(*witness);
                let report = report.or_insert_with(|| Report::addresses(*witness, []));
                report.sightings.push(Sighting {
                    member: Some(member.id.clone()).filter(is_slot),
                    presence: presence.clone(),
                    ..Sighting::at(member.address)
                });
            }
        }
        let alive: BTreeSet<Place> = BTreeSet::new();
        let reports: Vec<Report> = reports.into_values().collect();
        self.planner.propose(&Situation {
            roster: &Roster::merge(&reports, &alive),
            ..*situation
        })
    }
}

fn is_slot(id: &MemberId) -> bool {
    matches!(id, MemberId::Slot { .. })
}

impl<P: Planner> Planner for Relapsed<P> {
    type Detail = P::Detail;
    type Request = P::Request;

    fn capabilities(&self) -> Capabilities {
        self.planner.capabilities()
    }

    fn propose(&self, situation: &Situation<'_, P::Detail>) -> Proposal<P::Request> {
        let mut proposal = self.planner.propose(situation);
        match self.relapse {
            Some(Relapse::EmptyFirst) => {
                let waits = |what: &str| what.starts_with("assign slots");
                if proposal.refusals.iter().any(|r| waits(&r.what)) {
                    let steps = self.propose_for_those_there(situation).steps;
                    let assigns = |what: String| what.contains("ADDSLOTS");
                    let steps = steps.into_iter().filter(|s| assigns(s.request.to_string()));
                    proposal.steps.extend(steps);
                }
            }
            Some(Relapse::HalfIsFew) => {
                let gone = proposal.departures.len();
                self.half.set(gone == situation.views().len());
            }
            Some(Relapse::Ungated) => {
                let leaves = proposal.leaves.iter_mut();
                let steps = leaves.flat_map(|leave| std::mem::take(&mut leave.steps));
                proposal.steps.extend(steps);
            }
            Some(Relapse::TwoTargets | Relapse::SightIsWish | Relapse::Promotes) | None => {}
        }
        proposal
    }
}
