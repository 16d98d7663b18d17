//! The decision: from what one pass saw to what to do now.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::removal::removals;
use crate::{
    Backoff, Departure, Evidence, History, Limits, Moment, Observation, Pace, Plan, Planner,
    Presence, Proposal, Reason, Refusal, Request, Roster, Situation, Standing, Step, StepKind,
    Unity,
};

/// What the decision needs to know besides what was seen.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// When the pass looked.
    pub now: Moment,
    /// The bounds of what may be done.
    pub limits: &'a Limits,
    /// The fewest members that count as the whole cluster.
    pub min_members: usize,
}

/// Decides what to do about one cluster, from what this pass saw.
///
/// Pure: the same arguments give the same plan. The returned history goes into
/// the next call.
pub fn decide<P: Planner>(
    planner: &P,
    context: &Context<'_>,
    observed: &Observation<P::Detail>,
    history: History,
) -> (Plan<P::Request>, History) {
    let roster = observed.roster();
    let situation = Situation {
        roster: &roster,
        answers: &observed.answers,
    };
    let Proposal {
        steps,
        departures,
        cleanup,
        mut refusals,
        unity,
    } = planner.propose(&situation);

    refusals.extend(silent_members(&situation));
    let mut history = history;
    let mut planned = Vec::new();
    for step in steps {
        match unfit_for_join(&step, &situation) {
            Some(refusal) => refusals.push(refusal),
            None => planned.push(step),
        }
    }
    let leaving = !departures.is_empty();
    let (removal, closed) = removals(context, observed, &situation, &departures, &mut history);
    planned.extend(removal);
    refusals.extend(closed);
    if leaving
        && departures
            .iter()
            .all(|departure| history.forgotten.contains_key(&departure.node))
    {
        planned.extend(cleanup);
    }

    let mut steps = Vec::new();
    for step in planned {
        match awaited(context, &step, &mut history) {
            Some(refusal) => refusals.push(refusal),
            None => steps.push(step),
        }
    }
    prune(context, &departures, &mut history);

    let unity = whole(context, planner, observed, &situation, unity);
    let pace = if !unity.is_one() || !steps.is_empty() {
        Pace::Quick
    } else if leaving {
        Pace::Watchful
    } else {
        Pace::Calm
    };
    (
        Plan {
            steps,
            refusals,
            unity,
            pace,
        },
        history,
    )
}

/// Members that a witness named and that cannot be joined, and why.
fn silent_members<D>(situation: &Situation<'_, D>) -> Vec<Refusal> {
    let members = situation.roster.members().iter();
    members
        .filter_map(|member| {
            let reason = match (member.standing(), situation.answers.get(&member.address)) {
                (Standing::Wanted, Some(Err(why))) => Reason::NotAnswering(why.to_string()),
                (Standing::Disowned, _) if member.seen.values().any(is_present) => Reason::Disowned,
                _ => return None,
            };
            Some(Refusal {
                what: format!("join {}", member.address),
                reason,
                evidence: sightings(situation.roster, member.address),
            })
        })
        .collect()
}

fn is_present(presence: &Presence) -> bool {
    *presence == Presence::Present
}

/// Joins touch only members that answered, and none that is leaving or whose
/// address may be a stranger's.
fn unfit_for_join<D, R: Request>(step: &Step<R>, situation: &Situation<'_, D>) -> Option<Refusal> {
    if step.request.kind() != StepKind::Join {
        return None;
    }
    let touched = [Some(step.to), step.request.introduces()];
    touched.into_iter().flatten().find_map(|address| {
        let reason = match (
            situation.roster.at(address).map(|member| member.standing()),
            situation.answers.get(&address),
        ) {
            (Some(Standing::Disowned), _) => Reason::Disowned,
            (Some(Standing::Leaving), _) => Reason::Leaving,
            (_, Some(Ok(_))) => return None,
            (_, Some(Err(why))) => Reason::NotAnswering(why.to_string()),
            (_, None) => Reason::NotAnswering("nobody asked it in this pass".into()),
        };
        Some(Refusal {
            what: format!("{step}"),
            reason,
            evidence: sightings(situation.roster, address),
        })
    })
}

fn sightings(roster: &Roster, address: IpAddr) -> Vec<Evidence> {
    let Some(member) = roster.at(address) else {
        return Vec::new();
    };
    let seen = member.seen.iter();
    seen.map(|(witness, presence)| Evidence::Sighting {
        witness: *witness,
        member: member.id.clone(),
        presence: presence.clone(),
    })
    .collect()
}

/// A request that was made a moment ago is not made again before its effect
/// can show. Counts the attempt otherwise.
fn awaited<R: Request>(
    context: &Context<'_>,
    step: &Step<R>,
    history: &mut History,
) -> Option<Refusal> {
    let key = step.key();
    let backoff = match history.attempts.get(&key) {
        None => Backoff::first(context.now),
        Some(backoff) => {
            let left = backoff.left(&key, context.limits, context.now);
            if !left.is_zero() {
                let attempts = backoff.attempts;
                return Some(Refusal {
                    what: step.to_string(),
                    reason: Reason::Awaiting { attempts, left },
                    evidence: step.evidence.clone(),
                });
            }
            backoff.again(context.now)
        }
    };
    history.attempts.insert(key, backoff);
    None
}

/// Drops what can no longer matter, so that the history stays bounded by what
/// the last passes saw.
fn prune<R>(context: &Context<'_>, departures: &[Departure<R>], history: &mut History) {
    let departed: BTreeSet<&str> = departures.iter().map(|d| d.node.as_str()).collect();
    let keep = context.limits.retry_most.saturating_mul(2);
    history
        .attempts
        .retain(|_, backoff| context.now.since(backoff.last) < keep);
    history
        .agreed
        .retain(|node, _| departed.contains(node.as_str()));
    history
        .forgotten
        .retain(|node, _| departed.contains(node.as_str()));
}

/// The engine says whether the views are one cluster; this adds whether
/// everybody who should be there had a say.
fn whole<P: Planner>(
    context: &Context<'_>,
    planner: &P,
    observed: &Observation<P::Detail>,
    situation: &Situation<'_, P::Detail>,
    unity: Unity,
) -> Unity {
    let wanted = situation.wanted().count();
    let desired = observed.reports.iter().find_map(|report| report.desired);
    let need = planner
        .capabilities()
        .min_members
        .max(context.min_members)
        .max(desired.unwrap_or(1));
    if !observed.reports.iter().any(|r| r.grade.is_complete()) {
        let said = observed.reports.iter();
        let said: Vec<String> = said
            .map(|r| format!("{}: {}", r.witness, r.grade))
            .collect();
        return Unity::apart(said.join(", "));
    }
    if wanted < need {
        return Unity::apart(Reason::TooFew { have: wanted, need }.to_string());
    }
    let silent =
        situation
            .wanted()
            .find_map(|member| match situation.answers.get(&member.address) {
                Some(Ok(_)) => None,
                Some(Err(why)) => Some(format!("{}: {why}", member.address)),
                None => Some(format!("{} was not asked", member.address)),
            });
    silent.map_or(unity, Unity::apart)
}
