//! What one pass saw, decided and did, whichever the engine.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use meshworker_core::{
    Leaver, Loss, Pace, Peer, Planner, Refusal, Report, Request, Roster, Standing, Unity,
};
use tokio::time::Instant;

use crate::status::StepStatus;
use crate::worker::{Pass, Requests};

/// What one node said, without what only its database has.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// The node's own id in the database.
    pub node: String,
    /// The name of its cluster, if it has one.
    pub cluster_name: Option<String>,
    /// How many nodes it counts in its cluster.
    pub size: usize,
    /// All nodes that it knows: one copy for all members that say the same.
    pub peers: Arc<[Peer]>,
    /// Work that should end before anybody leaves.
    pub working: Option<String>,
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
    pub answers: BTreeMap<IpAddr, Result<Head, String>>,
    /// The requests that were planned, and what came of them.
    pub steps: Vec<StepStatus>,
    /// What was not done.
    pub refusals: Vec<Refusal>,
    /// Who was on its way out.
    pub leavers: Vec<Leaver>,
    /// Whoever answered, or was listed, and has no say.
    pub outsiders: BTreeSet<IpAddr>,
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
    /// What this pass, which is over, saw.
    pub fn of<P: Planner>(pass: &Pass<P>) -> Look {
        let answers = pass.observed.answers.iter();
        let answers = answers.map(|(address, answer)| {
            let answer = match answer {
                Ok(view) => Ok(Head {
                    node: view.node.clone(),
                    cluster_name: view.cluster_name.clone(),
                    size: view.size,
                    peers: Arc::clone(&view.peers),
                    working: view.working.clone(),
                }),
                Err(why) => Err(why.to_string()),
            };
            (*address, answer)
        });
        Look {
            number: pass.number,
            at: Instant::now(),
            time: SystemTime::now(),
            took: pass.took,
            requests: pass.requests,
            reports: pass.observed.reports.clone(),
            roster: pass.roster(),
            answers: answers.collect(),
            steps: steps(pass),
            refusals: pass.plan.refusals.clone(),
            leavers: pass.plan.leavers.clone(),
            outsiders: pass.plan.outsiders.clone(),
            wanted: wanted(pass),
            losses: pass.plan.losses.clone(),
            unity: pass.plan.unity.clone(),
            settled: pass.plan.settled,
            pace: pass.plan.pace,
        }
    }

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
        fn working(look: &Look) -> impl Iterator<Item = &Option<String>> {
            look.answers.values().flatten().map(|head| &head.working)
        }
        fn steps(look: &Look) -> impl Iterator<Item = impl PartialEq + '_> {
            look.steps.iter().map(|step| (&step.to, &step.request))
        }
        self.unity == other.unity
            && reports(self).eq(reports(other))
            && refusals(self).eq(refusals(other))
            && leavers(self).eq(leavers(other))
            && working(self).eq(working(other))
            && steps(self).eq(steps(other))
    }

    /// What the node at this address said.
    pub fn head(&self, address: IpAddr) -> Option<&Head> {
        self.answers.get(&address)?.as_ref().ok()
    }
}

/// How many members are meant to be there, without those who have no say.
fn wanted<P: Planner>(pass: &Pass<P>) -> usize {
    let roster = pass.roster();
    let members = roster.members().iter();
    let wanted = members.filter(|member| {
        member.standing() == Standing::Wanted && !pass.plan.outsiders.contains(&member.address)
    });
    wanted.count()
}

/// The planned requests, each with what came of it.
fn steps<P: Planner>(pass: &Pass<P>) -> Vec<StepStatus> {
    let done = pass.done.iter();
    let done: BTreeMap<String, _> = done.map(|d| (d.step.key(), &d.reply)).collect();
    let steps = pass.plan.steps.iter();
    steps
        .map(|step| {
            let reply = done.get(&step.key());
            StepStatus {
                kind: step.request.kind().to_string(),
                to: step.to.to_string(),
                request: step.request.to_string(),
                introduces: step.request.introduces().map(|address| address.to_string()),
                evidence: step.evidence.iter().map(ToString::to_string).collect(),
                ok: reply.map(|reply| reply.is_ok()),
                reply: reply.map(|reply| match reply {
                    Ok(reply) => reply.clone(),
                    Err(failure) => failure.to_string(),
                }),
            }
        })
        .collect()
}
