//! Which departed node is forgotten now: the gates, one after another.

use std::collections::BTreeSet;

use crate::history::Resident;
use crate::roster::unlisted;
use crate::stance::Stance;
use crate::{
    Change, Closed, Context, Departure, Evidence, Floor, Gate, History, Member, MemberId, Moment,
    Objection, Observation, Place, Presence, Reason, Refusal, Report, Request, Situation, Step,
    Witness,
};

/// What comes of the departures.
pub(crate) struct Removals<R> {
    /// The steps of those that are forgotten now: one, or several that were let go and
    /// have ended.
    pub(crate) steps: Vec<Step<R>>,
    /// Why the others are not forgotten.
    pub(crate) refusals: Vec<Refusal>,
    /// Orders to forget that are carried out.
    pub(crate) fulfilled: BTreeSet<String>,
}

/// Leads the departures through the gates: the steps of those that pass,
/// and a refusal for each of the others.
pub(crate) fn removals<D, R: Request>(
    context: &Context<'_>,
    observed: &Observation<D>,
    situation: &Situation<'_, D>,
    departures: &[Departure<R>],
    floor: &Floor,
    stuck: &BTreeSet<String>,
    history: &mut History,
) -> Removals<R> {
    let now = context.now;
    let fulfilled = fulfilled(context, situation, departures, history);
    note_others_removals(context, situation, departures, history);
    let mass = most_vanished(context, situation, departures, history);
    history.vanished = mass.as_ref().map(|_| history.vanished.unwrap_or(now));

    // Whoever was never forgotten comes first, so that one that does not go
    // cannot keep the others waiting.
    let mut order: Vec<&Departure<R>> = departures.iter().collect();
    order.sort_by_key(|departure| (history.forgotten.get(&departure.node), &departure.node));

    let mut steps = Vec::new();
    let mut refusals = Vec::new();
    for departure in order {
        let refuse = |reason: Reason| Refusal {
            what: format!("forget {}", departure.node),
            reason,
            evidence: departure
                .address
                .map(|address| absence(&observed.reports, address))
                .unwrap_or_default(),
        };
        let was = slot_of(departure, history);
        let census = situation.roster.census();
        let replaced = was.is_some_and(|id| census.is_to_fill(id) == Some(true));
        if let Some(reason) = context.orders.against_removal(departure, was) {
            history.agreed.remove(&departure.node);
            refusals.push(refuse(reason));
            continue;
        }
        let testified = testified(context, departure, history);
        let mass = mass.as_ref().filter(|_| {
            let since = history.vanished.unwrap_or(now);
            !testified && now.since(since) < context.limits.mass_vanish_hold
        });
        let closed = closed_now(observed, situation, departure, testified, mass, stuck);
        let closed = closed.or_else(|| below(floor, situation).filter(|_| !testified));
        if let Some(closed) = closed {
            history.agreed.remove(&departure.node);
            refusals.push(refuse(Reason::Closed(closed)));
            continue;
        }
        let since = *history.agreed.entry(departure.node.clone()).or_insert(now);
        // A slot that is somewhere else now has not left: its old address is
        // cleared along with the new one's joining. And who was let go, has ended and is
        // not replaced is expected to be gone: nobody need be sure of it by waiting.
        // Whoever is updated comes back with the same node, and would be kept out.
        // As long as no task list says so it may, and only the hold tells: that each of
        // several is gone was decided when it was let go, so that none waits for another.
        let ended = departure.address.is_some_and(|at| situation.has_ended(at));
        let expected = ended && census.to_fill() == Some(0) && !replaced;
        if !expected
            && !has_moved(situation, departure, history)
            && let Some(closed) =
                closed_for_time(context, departure, testified, ended, since, history)
        {
            refusals.push(refuse(Reason::Closed(closed)));
            continue;
        }
        if let Some(address) = departure.address {
            history.freed.insert(address, now);
            history.stances.remove(&address);
        }
        // Telling one survivor again is the same removal, and keeps nobody waiting;
        // one that was back in between is removed anew, and so is one that nobody
        // has forgotten yet, each time that it is tried.
        let again = history.forgotten.contains_key(&departure.node);
        let untouched = departure.steps.len() >= situation.views().len();
        let tried = |step: &Step<R>| history.awaits(step, context).is_none();
        let anew = !again || untouched && departure.steps.iter().any(tried);
        if anew || !history.is_last_removal(&departure.node) {
            history.last_removal = Some((departure.node.clone(), now));
        }
        history.forgotten.insert(departure.node.clone(), now);
        steps.extend(departure.steps.iter().cloned());
    }
    Removals {
        steps,
        refusals,
        fulfilled,
    }
}

/// Whether an operator knows this node to be gone: notes for whom his word stands.
fn testified<R>(context: &Context<'_>, departure: &Departure<R>, history: &mut History) -> bool {
    let words = context.orders.testimony(departure).into_iter();
    let words: Vec<&String> = words
        .filter(|word| !history.spent.contains(*word))
        .collect();
    let obeyed = words
        .iter()
        .map(|word| ((*word).clone(), departure.node.clone()));
    history.obeyed.extend(obeyed);
    if let Some(address) = departure.address.filter(|_| !words.is_empty()) {
        history.excuse(address);
    }
    !words.is_empty()
}

/// Orders whose node nobody remembers any more, as far as all members say: the next
/// one of that name, or at that address, is somebody else, and was not meant.
fn fulfilled<D, R>(
    context: &Context<'_>,
    situation: &Situation<'_, D>,
    departures: &[Departure<R>],
    history: &mut History,
) -> BTreeSet<String> {
    let ordered = &context.orders.forget;
    history.obeyed.retain(|word, _| ordered.contains(word));
    history.spent.retain(|word| ordered.contains(word));
    if !all_speak(situation) {
        return BTreeSet::new();
    }
    let gone = |node: &String| departures.iter().all(|departure| departure.node != *node);
    let done = history.obeyed.iter().filter(|(_, node)| gone(node));
    let done: BTreeSet<String> = done.map(|(word, _)| word.clone()).collect();
    history.obeyed.retain(|word, _| !done.contains(word));
    history.spent.extend(done.iter().cloned());
    done
}

/// Whether somebody is to stay, and all of them say whom they remember.
fn all_speak<D>(situation: &Situation<'_, D>) -> bool {
    let wanted = situation.wanted().count();
    wanted > 0 && wanted == situation.wanted_views().count()
}

/// A departed node that nobody remembers any more, although we did not see to
/// that within the window, was forgotten by another worker: that counts for it as well.
fn note_others_removals<D, R>(
    context: &Context<'_>,
    situation: &Situation<'_, D>,
    departures: &[Departure<R>],
    history: &mut History,
) {
    let Context { now, limits, .. } = *context;
    let departed = departures.iter().map(|departure| {
        let by = departure.steps.iter().map(|step| step.to).collect();
        (departure.node.clone(), (departure.address, by))
    });
    let before = std::mem::replace(&mut history.departed, departed.collect());
    let views = situation.views();
    // One that is to go is asked for its memory only while nobody is to stay.
    let tells =
        |at: &Place| situation.is_wanted(*at) && matches!(situation.answers.get(at), Some(Ok(_)));
    for (node, (address, by)) in before {
        if history.departed.contains_key(&node) || views.contains_key(node.as_str()) {
            continue;
        }
        // Whoever is forgotten has not vanished; whoever went with all that remembered him has.
        let forgotten = by.iter().any(tells) && all_speak(situation);
        if let Some(at) = address.filter(|at| forgotten && history.is_missed(*at)) {
            history.stances.remove(&at);
        }
        let told = history.forgotten.get(&node);
        if told.is_none_or(|at| now.since(*at) >= limits.removal_window) {
            history.removed_by_another = Some((node, now));
        }
    }
}

/// Gates 1 to 7: what this pass alone can tell. The first that is closed, and
/// what was seen there.
fn closed_now<D, R>(
    observed: &Observation<D>,
    situation: &Situation<'_, D>,
    departure: &Departure<R>,
    testified: bool,
    mass: Option<&String>,
    stuck: &BTreeSet<String>,
) -> Option<Closed> {
    // 1. Every discovery witness that lists everybody gave a complete answer.
    let mut lists = observed
        .reports
        .iter()
        .filter(|r| r.lists_everybody())
        .peekable();
    if lists.peek().is_none() {
        return Some(closed(Gate::WitnessesComplete, "there is no witness"));
    }
    // Whoever has seen that it is gone need not wait for them.
    if let Some(report) = lists.find(|r| !r.grade.is_complete() && !testified) {
        let seen = format!("{}: {}", report.witness, report.grade);
        return Some(closed(Gate::WitnessesComplete, seen));
    }
    // 2. Each of them says absent, or a spare says that no database runs there.
    let spare = |at: &Place| situation.roster.at(*at).is_some_and(Member::is_spare);
    let speaks_up = departure
        .address
        .filter(|at| !spare(at))
        .and_then(|address| {
            observed
                .reports
                .iter()
                .filter(|report| report.witness != Witness::Dns || !out_of_sight(observed, address))
                .map(|report| (report.witness, presence(report, address)))
                .find(|(_, presence)| objects(presence, testified))
        });
    if let Some((witness, presence)) = speaks_up {
        return Some(closed(
            Gate::WitnessesAgree,
            format!("{witness}: {presence}"),
        ));
    }
    // 3. Every wanted member answered.
    let silent = situation
        .wanted()
        .filter(|member| situation.waits_behind(member).is_none())
        .find(|member| !matches!(situation.answers.get(&member.address), Some(Ok(_))));
    if let Some(member) = silent {
        return Some(closed(
            Gate::MembersAnswer,
            format!("{} is silent", member.address),
        ));
    }
    // 4 and 5. No member sees it alive; it holds nothing alone.
    let objection = |of: fn(&Objection) -> bool| departure.objections.iter().find(|o| of(o));
    if let Some(objection) = objection(|o| matches!(o, Objection::AliveTo { .. })) {
        return Some(closed(Gate::MembersAgree, objection.to_string()));
    }
    if let Some(objection) = objection(|o| matches!(o, Objection::HoldsData(_))) {
        return Some(closed(Gate::DataSafe, objection.to_string()));
    }
    // 6. The database is at rest.
    let busy = situation
        .views()
        .into_values()
        .filter(|(_, view)| !stuck.contains(&view.node))
        .find_map(|(_, view)| Some((&view.node, view.working.as_ref()?)));
    if let Some((node, work)) = busy {
        return Some(closed(Gate::AtRest, format!("{node}: {work}")));
    }
    // 7. Most members did not vanish at once.
    mass.map(|seen| closed(Gate::BlastRadius, seen.clone()))
}

fn closed(gate: Gate, seen: impl Into<String>) -> Closed {
    Change::Forget.closed(gate, seen)
}

/// Whether Kubernetes has lost sight of whoever is there: its name server publishes the pods of
/// a dead node for as long as they are not deleted. Swarm's answers from the network's own
/// word, which may know of a node that the managers do not reach.
fn out_of_sight<D>(observed: &Observation<D>, address: Place) -> bool {
    let mut pods = observed.reports.iter();
    let pods = pods.find(|report| report.witness == Witness::Kubernetes);
    pods.is_some_and(|pods| presence(pods, address) == Presence::OutOfSight)
}

/// Gate 7 as well: whatever has vanished for however long, nobody is forgotten
/// where fewer are left than the database, or the operator, asks for.
fn below<D>(floor: &Floor, situation: &Situation<'_, D>) -> Option<Closed> {
    let there = situation.wanted_views().count();
    let Floor { members, because } = floor;
    (there < *members).then(|| {
        let seen = format!("{there} are there, {because} asks for {members}");
        closed(Gate::BlastRadius, seen)
    })
}

/// Whether a witness that says this of a member objects to forgetting it.
fn objects(presence: &Presence, testified: bool) -> bool {
    match presence {
        Presence::Present
        | Presence::Waiting
        | Presence::Spare
        | Presence::Leaving
        | Presence::Stopping => true,
        // The witness that knows best has seen it end.
        Presence::Absent | Presence::Ended => false,
        Presence::OutOfSight | Presence::Unknown(_) => !testified,
    }
}

/// Which member the departed node was, as far as anybody remembers.
fn slot_of<'a, R>(departure: &Departure<R>, history: &'a History) -> Option<&'a MemberId> {
    place_of(departure, history).map(|place| &place.member)
}

fn place_of<'a, R>(departure: &Departure<R>, history: &'a History) -> Option<&'a Resident> {
    let place = history.places.get(&departure.address?)?;
    (place.node == departure.node).then_some(place)
}

/// Whether the slot that was at the departed node's address is wanted, and
/// answers, at another one since. One that ran beside it is no successor: the engine of
/// its host had died, and it runs on.
fn has_moved<D, R>(
    situation: &Situation<'_, D>,
    departure: &Departure<R>,
    history: &History,
) -> bool {
    let left = departure.address.and_then(|at| history.stance(at));
    let left = left.is_some_and(Stance::has_left);
    place_of(departure, history).is_some_and(|was| {
        let mut views = situation.wanted_views();
        views.any(|(member, _)| {
            let place = history.places.get(&member.address);
            let came = left || place.is_some_and(|place| place.since > was.last);
            member.id == was.member && departure.address != Some(member.address) && came
        })
    })
}

/// Gates 8 and 9: what only time can tell.
fn closed_for_time<R>(
    context: &Context<'_>,
    departure: &Departure<R>,
    testified: bool,
    ended: bool,
    since: Moment,
    history: &History,
) -> Option<Closed> {
    let Context { now, limits, .. } = context;
    // 8. All of the above have held for the hold time.
    let held = now.since(since);
    if held < limits.removal_hold && !testified {
        let left = limits.removal_hold.saturating_sub(held).as_secs_f64();
        return Some(closed(Gate::Hold, format!("{left:.1} s are left")));
    }
    if ended {
        return None;
    }
    // 9. No other member was forgotten within the window.
    let ours = history.last_removal.iter();
    let ours = ours.filter(|(node, _)| *node != departure.node);
    let mut removals = ours.chain(&history.removed_by_another);
    removals
        .find(|(_, at)| now.since(*at) < limits.removal_window)
        .map(|(node, _)| closed(Gate::Window, format!("{node} was forgotten just now")))
}

/// Whether as many of the nodes that the database knows, and of those that were in sight
/// lately, have vanished as are there, or more, while no task list says that so few were
/// wished for. Whoever was let go, or said that it stops, has not vanished, nor has one
/// whose removal has passed all gates.
fn most_vanished<D, R>(
    context: &Context<'_>,
    situation: &Situation<'_, D>,
    departures: &[Departure<R>],
    history: &History,
) -> Option<String> {
    let views = situation.views();
    let there = views.len();
    // Who answers at another address now has moved.
    let moved = |at: &Place| {
        let node = history.homes.get(at);
        node.is_some_and(|(node, _)| views.contains_key(node.as_str()))
    };
    let vanished = |departure: &&Departure<R>| {
        // Whom an operator knows to be gone has not vanished either.
        context.orders.testimony(departure).is_empty()
            && departure.address.is_none_or(|at| history.is_missed(at))
            && !history.forgotten.contains_key(&departure.node)
            && !history.parted.contains_key(&departure.node)
    };
    let gone = departures.iter().filter(vanished).count();
    // A cut may come before the database has heard of all whom we saw.
    let departed: BTreeSet<Place> = departures.iter().filter_map(|d| d.address).collect();
    let unknown = history.stances.iter().filter(|(at, (_, seen))| {
        history.is_missed(**at)
            && !moved(at)
            && !departed.contains(at)
            && situation.roster.at(**at).is_none()
            && context.now.since(*seen) < context.limits.mass_vanish_hold
    });
    let gone = gone + unknown.count();
    let wished = situation.desired();
    let wished = wished.is_some_and(|desired| situation.wanted().count() >= desired);
    (gone > 0 && gone >= there && !wished).then(|| {
        format!(
            "{gone} of {} are gone, and no task list says so",
            gone + there
        )
    })
}

fn presence(report: &Report, address: Place) -> Presence {
    let listed = report.sightings.iter().find(|s| s.address == address);
    match listed {
        Some(sighting) => sighting.presence.clone(),
        // Silence is no testimony, and no objection either.
        None if !report.lists_everybody() => Presence::Absent,
        None => unlisted(report),
    }
}

fn absence(reports: &[Report], address: Place) -> Vec<Evidence> {
    let reports = reports.iter();
    reports
        .map(|report| Evidence::Sighting {
            witness: report.witness,
            member: MemberId::Address(address),
            presence: presence(report, address),
        })
        .collect()
}
