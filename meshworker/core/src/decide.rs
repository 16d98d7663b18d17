//! The decision: from what one pass saw to what to do now.

use std::collections::{BTreeMap, BTreeSet};

use crate::arrange::{note_answers, refuse_arrangement, refuse_dealing};
use crate::history::Resident;
use crate::losses::{losses, with_losses};
use crate::nomination::nominees;
use crate::numbers;
use crate::outsiders::{never_there, never_there_remarks, remark, unknown};
use crate::queue::{Leaving, Queue};
use crate::removal::{Removals, removals};
use crate::seen::Seen;
use crate::sharing::shared_nodes;
use crate::sight;
use crate::succession::has_failed_over;
use crate::unheard::missed;
use crate::whole::{gone, whole};
use crate::wished;
use crate::{
    Authority, Backoff, Change, Context, Departure, Gate, History, Leave, Leaver, Loss, Member,
    MemberId, Moment, Observation, Pace, Place, Plan, Planner, Presence, Proposal, Reason, Refusal,
    Request, Situation, Standing, Step, StepKind, Unity,
};

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
    let mut history = history;
    history.began_at.get_or_insert(context.now);
    note_answers(context, observed, &mut history);
    let roster = observed.roster().ordered_away(&context.orders.leave);
    let roster = roster.with_a_last_one();
    let known = std::mem::take(&mut history.heard_numbers);
    history.heard_numbers = numbers::note(context, &roster, known, |at| history.parts(at));
    let joins = history.joins.iter();
    let joining: BTreeMap<Place, u32> = joins.map(|(at, (_, times))| (*at, *times)).collect();
    let all = Seen::all(context, observed, &roster, &joining, &history);
    // Where nobody ever was, nobody is waited for.
    let never_there = never_there(context, &all.situation(), &mut history);
    let mut refusals: Vec<Refusal> = never_there_remarks(&never_there, &roster).collect();
    let seen = all.without(&never_there);
    let mut proposal = planner.propose(&seen.situation());
    // Of whoever no witness knows, nothing is believed: all is proposed anew.
    let unknown = unknown(
        &roster,
        observed,
        std::mem::take(&mut proposal.bystanders),
        &history,
    );
    let uncounted: BTreeSet<Place> = unknown.iter().filter_map(|node| node.address).collect();
    refusals.extend(remark(&unknown, &roster));
    let seen = seen.without(&uncounted);
    if !uncounted.is_empty() {
        proposal = planner.propose(&seen.situation());
    }
    let Proposal {
        steps,
        mut departures,
        cleanup,
        mut leaves,
        mut nominations,
        otherwise,
        born,
        succession,
        floor,
        mut strangers,
        outsiders: never_in,
        bystanders: _,
        quiet,
        stuck,
        copies,
        refusals: refused,
        unity,
    } = proposal;
    refusals.extend(refused);
    let situation = seen.situation();
    sight::note_strangers(context, &strangers, &mut history);
    // Who was never in and may not be is nobody's member either.
    strangers.extend(never_in);
    let outsider_goes = (situation.leaving_views()).any(|(m, _)| strangers.contains(&m.address));
    refusals.extend(silent_members(&situation));
    let ordered = unknown.into_iter();
    departures.extend(ordered.filter_map(|node| forgettable(context, node, &uncounted)));
    let floor = floor.or_at_least(context.min_members);
    let mut proposed = keys(&steps, &cleanup, &departures, &leaves);
    note_returns(context, &situation, &strangers, &mut history);
    let mut planned = Vec::new();
    for step in steps {
        let unfit = unfit_for_join(context, &step, &situation, &history);
        let refused = unfit.or_else(|| refuse_arrangement(&step, &situation, &strangers));
        match refused.or_else(|| refuse_dealing(context, &step, &situation, &history)) {
            Some(refusal) => refusals.push(refusal),
            None => planned.push(step),
        }
    }

    // From here on strangers have no say. A name server may list another cluster's
    // members under our name for ever: ours are in their place all the same, and may
    // leave.
    let own = seen.without(&strangers);
    let among_us = match strangers.is_empty() {
        true => unity.clone(),
        false => planner.propose(&own.situation()).unity,
    };
    let everybody = &situation;
    let (observed, situation) = (&*own.observed, own.situation());
    let mut outsiders = never_there;
    outsiders.extend(uncounted);
    outsiders.extend(&strangers);
    let mut alive: BTreeSet<Place> = observed.alive().difference(&outsiders).copied().collect();
    if quiet {
        // The others may hold it to be alive for seconds yet.
        alive.retain(|address| !situation.has_ended(*address));
    }
    note_places(context, &situation, &departures, &mut history);
    let departing = !departures.is_empty();
    let Removals {
        steps: removal,
        refusals: closed,
        fulfilled,
    } = removals(
        context,
        observed,
        &situation,
        &departures,
        &floor,
        &stuck,
        &mut history,
    );
    planned.extend(removal);
    refusals.extend(closed);
    if departing
        && departures
            .iter()
            .all(|departure| history.forgotten.contains_key(&departure.node))
    {
        planned.extend(cleanup);
    }

    let leaving = Leaving {
        context,
        situation: &situation,
        floor,
        unity: &among_us,
        alive: &alive,
        stuck: &stuck,
        departed: (departures.iter().filter_map(|d| d.address))
            .chain(observed.not_alive())
            .collect(),
        missed: missed(&departures),
        outsider_goes,
    };
    refusals.extend(leaving.hold_back(&mut leaves, &strangers, &history));
    let Queue {
        mut leavers,
        steps: last_steps,
    } = leaving.queue(leaves, &mut history);
    leaving.release_strangers(everybody, &strangers, &mut history, &mut leavers);
    planned.extend(last_steps);
    refusals.extend(leavers.iter().filter_map(|leaver| held(leaver, &situation)));

    let order = context.orders.acknowledged.as_ref();
    let order = order.filter(|order| order.number > history.acknowledged);
    history.note_successions(everybody, context.now);
    let window = context.limits.succession_window;
    let acknowledged = order.is_some();
    let counts = |at: &Moment| !acknowledged && context.now.since(*at) < window;
    history.successions.retain(counts);
    if acknowledged {
        history.handover.is_known();
    }
    let is_due = succession.is_some();
    let forced = context.orders.forced.as_ref();
    let failed_over = forced.filter(|forced| has_failed_over(forced, everybody));
    let mut comes = false;
    if let Some(succession) = succession {
        let all = succession.seal.iter().chain(&succession.promote);
        proposed.extend(all.map(Step::key));
        let (steps, closed) = succession.judged(context, everybody, &mut history);
        // Whoever is asked for its sake is asked nothing else.
        planned.retain(|step| steps.iter().all(|asked| asked.to != step.to));
        planned.extend(steps);
        comes = closed.as_ref().is_none_or(|(gate, _)| gate.opens_soon());
        refusals.extend(closed.map(|(_, refusal)| refusal));
    }
    if !comes {
        nominations.extend(otherwise);
    }

    let (nominees, closed) = nominees(context, &situation, nominations, &mut history);
    refusals.extend(closed);

    let mut steps = Vec::new();
    for step in planned {
        if let Some(reason) = context.orders.against(&step, situation.roster) {
            refusals.push(Refusal {
                what: step.to_string(),
                reason,
                evidence: step.evidence,
            });
            continue;
        }
        let busy = under_way(context, &step).or_else(|| stays_open(context, &step, &history));
        match busy.or_else(|| awaited(context, &step, &mut history)) {
            Some(refusal) => refusals.push(refusal),
            None => steps.push(step),
        }
    }
    history.handover.note(&steps, is_due, context.now);
    let fence = context.authority.fence();
    for step in &mut steps {
        step.fence = fence;
    }
    if let Authority::Yielded(to) = context.authority {
        refusals.push(Refusal::new("act", Reason::AnotherActs(to.clone())));
    }
    prune(context, &departures, &proposed, &mut history);

    let settled = is_settled(&alive, &situation, &among_us);
    if let Some(order) = order {
        history.acknowledged = order.number;
        wished::heed(order, &situation, &mut history);
    }
    let missed = wished::missed(&situation, &mut history);
    let losses = losses(context, &situation, &alive, &copies, order, &mut history);
    refusals.extend(losses.iter().filter_map(Loss::remark));
    // While members come and go, so does this.
    if leavers.is_empty() {
        refusals.extend(shared_nodes(context, &situation, &copies, &mut history));
    }
    let need = (planner.capabilities().min_members).max(context.min_members);
    let gone = gone(&departures, everybody, &history);
    let unity = whole(need, observed, everybody, &gone, &refusals, unity);
    // Few that are at rest, and miss others, need no haste.
    let together = match unity {
        Unity::One { size } => Some(size),
        Unity::Apart { .. } | Unity::Bereft { .. } => None,
    };
    let unity = match missed {
        Some(missed) if unity.is_one() => Unity::apart(missed),
        _ => unity,
    };
    wished::note(&unity, &situation, &mut history);
    let acts = !steps.is_empty() || !context.busy.is_empty();
    let moves = acts || !leavers.is_empty() || !nominees.is_empty();
    let pace = if steps.iter().any(|step| step.request.hurries()) {
        Pace::AtOnce
    } else if together.is_none() || moves {
        Pace::Quick
    } else if departing || !settled || !unity.is_one() {
        Pace::Watchful
    } else {
        Pace::Calm
    };
    // What is lost comes back, if at all, whether or not anybody looks.
    let unity = with_losses(unity, &losses);
    (
        Plan {
            steps,
            fence,
            leavers,
            nominees,
            settled,
            together,
            refusals,
            unity,
            losses,
            outsiders,
            pace,
            fulfilled,
            failed_over: failed_over.cloned(),
            born: born.filter(|born| context.orders.born.as_ref() != Some(born)),
        },
        history,
    )
}

/// Whether the members that answer are one cluster, nobody that they count on
/// is silent, and no data is on its way.
fn is_settled<D>(alive: &BTreeSet<Place>, situation: &Situation<'_, D>, unity: &Unity) -> bool {
    let answers = |address: &Place| matches!(situation.answers.get(address), Some(Ok(_)));
    unity.is_one()
        && alive.iter().all(answers)
        && situation
            .views()
            .into_values()
            .all(|(_, view)| view.working.is_none())
}

/// What makes the members forget a node that no witness knows, if an operator says so.
fn forgettable<R>(
    context: &Context<'_>,
    mut node: Departure<R>,
    uncounted: &BTreeSet<Place>,
) -> Option<Departure<R>> {
    node.steps.retain(|step| !uncounted.contains(&step.to));
    let ordered = !context.orders.testimony(&node).is_empty();
    ordered.then_some(node)
}

/// Why a member that is meant to go may not yet, as a refusal.
fn held<D>(leaver: &Leaver, situation: &Situation<'_, D>) -> Option<Refusal> {
    Some(Refusal {
        what: format!("let {} go", leaver.member),
        reason: Reason::Closed(leaver.release.closed()?),
        evidence: situation.roster.sightings(leaver.address),
    })
}

/// Notes whose each address is, as long as anybody remembers it.
fn note_places<D, R>(
    context: &Context<'_>,
    situation: &Situation<'_, D>,
    departures: &[Departure<R>],
    history: &mut History,
) {
    let departed: BTreeSet<Place> = departures.iter().filter_map(|d| d.address).collect();
    // What was at a spare's address before is gone.
    let there = |at| (situation.roster.at(at)).is_some_and(|member| !member.is_spare());
    history
        .places
        .retain(|at, _| departed.contains(at) || there(*at));
    for member in situation.wanted() {
        if let MemberId::Slot { .. } = member.id
            && let Some(Ok(view)) = situation.answers.get(&member.address)
        {
            let before = history.places.get(&member.address);
            let same = before.filter(|b| b.member == member.id && b.node == view.node);
            let place = Resident {
                since: same.map_or(context.now, |before| before.since),
                last: context.now,
                member: member.id.clone(),
                node: view.node.clone(),
            };
            history.places.insert(member.address, place);
        }
    }
}

/// Notes since when each freed address has answered as a member again.
fn note_returns<D>(
    context: &Context<'_>,
    situation: &Situation<'_, D>,
    strangers: &BTreeSet<Place>,
    history: &mut History,
) {
    let History {
        freed, returned, ..
    } = history;
    freed.retain(|_, since| context.now.since(*since) < context.limits.quarantine);
    returned.retain(|address, _| freed.contains_key(address));
    for address in freed.keys() {
        let answers = matches!(situation.answers.get(address), Some(Ok(_)));
        if answers && situation.is_wanted(*address) && !strangers.contains(address) {
            returned.entry(*address).or_insert(context.now);
        } else {
            returned.remove(address);
        }
    }
}

/// How long a freed address is watched before it is joined again; nothing when
/// somebody who knows more than a name server vouches for it.
fn quarantined(context: &Context<'_>, member: &Member, history: &History) -> Option<Reason> {
    history.freed.get(&member.address)?;
    if member.is_vouched_to_stay() {
        return None;
    }
    let since = history.returned.get(&member.address);
    let watched = since.map_or_else(Default::default, |since| context.now.since(*since));
    let left = context.limits.quarantine_hold.saturating_sub(watched);
    (!left.is_zero()).then_some(Reason::Quarantined { left })
}

/// Members that a witness named and that cannot be joined, and why.
fn silent_members<D>(situation: &Situation<'_, D>) -> Vec<Refusal> {
    let members = situation.roster.members().iter();
    members
        .filter_map(|member| {
            let waits = situation.waits_behind(member);
            let reason = match (member.standing(), situation.answers.get(&member.address)) {
                _ if waits.is_some() => Reason::Waiting {
                    behind: waits?.address.to_string(),
                },
                (Standing::Wanted, Some(Err(why))) => Reason::NotAnswering(why.to_string()),
                (Standing::Disowned, _) if member.seen.values().any(is_present) => Reason::Disowned,
                _ => return None,
            };
            Some(Refusal {
                what: format!("join {}", member.address),
                reason,
                evidence: situation.roster.sightings(member.address),
            })
        })
        .collect()
}

fn is_present(presence: &Presence) -> bool {
    *presence == Presence::Present
}

/// Joins touch only members that answered, and none that is leaving or whose
/// address may be a stranger's.
fn unfit_for_join<D, R: Request>(
    context: &Context<'_>,
    step: &Step<R>,
    situation: &Situation<'_, D>,
    history: &History,
) -> Option<Refusal> {
    if step.request.kind() != StepKind::Join {
        return None;
    }
    let touched = [Some(step.to), step.request.introduces()];
    touched.into_iter().flatten().find_map(|address| {
        let member = situation.roster.at(address);
        let reason = match (
            member.map(|member| member.standing()),
            situation.answers.get(&address),
        ) {
            (Some(Standing::Disowned), _) => Reason::Disowned,
            (Some(Standing::Leaving), _) => Reason::Leaving,
            (_, Some(Ok(_))) => quarantined(context, member?, history)?,
            (_, Some(Err(why))) => Reason::NotAnswering(why.to_string()),
            (_, None) => Reason::NotAnswering("nobody asked it in this pass".into()),
        };
        Some(Refusal {
            what: format!("{step}"),
            reason,
            evidence: situation.roster.sightings(address),
        })
    })
}

/// Of a node that is not done yet nothing more is asked: what it is to do next is decided
/// by what has become of it.
fn under_way<R: Request>(context: &Context<'_>, step: &Step<R>) -> Option<Refusal> {
    context.busy.contains(&step.to).then(|| Refusal {
        what: step.to_string(),
        reason: Reason::UnderWay,
        evidence: step.evidence.clone(),
    })
}

/// A primary that took its place back a moment ago does not give it away again at once, nor,
/// where it need not, one that came by it in a fail-over: clients have waited once.
fn stays_open<R: Request>(
    context: &Context<'_>,
    step: &Step<R>,
    history: &History,
) -> Option<Refusal> {
    if !step.request.closes() {
        return None;
    }
    let kept = history.handover.against(step.to, context);
    let need_not = step.request.kind() == StepKind::Arrange;
    let lately = || history.succeeded_just_now(context).filter(|_| need_not);
    let seen = kept.or_else(lately)?;
    let reason = Reason::Closed(Change::Succeed.closed(Gate::Again, seen));
    Some(Refusal::new(step.to_string(), reason))
}

/// A request that was made a moment ago is not made again before its effect
/// can show, nor is a last resort at first sight. Counts the attempt otherwise.
fn awaited<R: Request>(
    context: &Context<'_>,
    step: &Step<R>,
    history: &mut History,
) -> Option<Refusal> {
    if step.request.is_last_resort() {
        let none = Backoff::none(context.now);
        history.attempts.entry(step.key()).or_insert(none);
    }
    if let Some((attempts, left)) = history.awaits(step, context) {
        return Some(Refusal {
            what: step.to_string(),
            reason: Reason::Awaiting { attempts, left },
            evidence: step.evidence.clone(),
        });
    }
    let key = step.key();
    let backoff = match history.attempts.get(&key) {
        None => Backoff::first(context.now),
        Some(backoff) => backoff.again(context.now),
    };
    history.attempts.insert(key, backoff);
    if step.request.kind() == StepKind::Join {
        let joined = [Some(step.to), step.request.introduces()];
        let joined = joined.into_iter().flatten();
        for at in joined {
            let (last, times) = history.joins.entry(at).or_insert((context.now, 0));
            (*last, *times) = (context.now, times.saturating_add(1));
        }
    }
    None
}

/// What the engine asks for, by [`Step::key`].
fn keys<R: Request>(
    steps: &[Step<R>],
    cleanup: &[Step<R>],
    departures: &[Departure<R>],
    leaves: &[Leave<R>],
) -> BTreeSet<String> {
    let departing = departures.iter().flat_map(|departure| &departure.steps);
    let leaving = leaves
        .iter()
        .flat_map(|leave| leave.steps.iter().chain(&leave.last));
    let all = steps.iter().chain(cleanup).chain(departing).chain(leaving);
    all.map(Step::key).collect()
}

/// Drops what can no longer matter, so that the history stays bounded by what
/// the last passes saw. What is not asked for any more, once its effect could
/// show, has taken: should it be needed anew, that is a first attempt.
fn prune<R>(
    context: &Context<'_>,
    departures: &[Departure<R>],
    proposed: &BTreeSet<String>,
    history: &mut History,
) {
    let departed: BTreeSet<&str> = departures.iter().map(|d| d.node.as_str()).collect();
    history.attempts.retain(|key, backoff| {
        let left = backoff.left(key, context.seed, context.limits, context.now);
        proposed.contains(key) || !left.is_zero()
    });
    let keep = context.limits.retry_most.saturating_mul(2);
    history
        .joins
        .retain(|_, (planned, _)| context.now.since(*planned) < keep);
    history
        .agreed
        .retain(|node, _| departed.contains(node.as_str()));
    history
        .forgotten
        .retain(|node, _| departed.contains(node.as_str()));
}
