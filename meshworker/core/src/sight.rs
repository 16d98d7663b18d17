//! What is noted of members while they are in sight, for when they are not.

use std::collections::BTreeSet;

use crate::outsiders::is_only_listed;
use crate::stance::Stance;
use crate::{Context, History, Member, Place, Situation, Standing};

/// Notes at which addresses another cluster's nodes answer: none of ours has vanished from
/// there, however often its own nodes come and go.
pub(crate) fn note_strangers(
    context: &Context<'_>,
    strangers: &BTreeSet<Place>,
    history: &mut History,
) {
    let Context { now, limits, .. } = context;
    for address in strangers {
        history.strangers.insert(*address, *now);
        history.stances.remove(address);
    }
    let known = &mut history.strangers;
    known.retain(|_, at| now.since(*at) < limits.quarantine);
    // Whoever was listed before the first of them answered may have been one as well; who
    // is still there is noted again.
    if !known.is_empty() {
        let stances = &mut history.stances;
        stances.retain(|_, (stance, _)| *stance != Stance::Listed);
    }
}

/// Notes what each member in sight is about, for when it is out of sight.
pub(crate) fn note<D>(context: &Context<'_>, situation: &Situation<'_, D>, history: &mut History) {
    let Context { now, limits, .. } = context;
    for member in situation.roster.members() {
        if may_be_a_stranger(member, situation, history) {
            continue;
        }
        if let Some(stance) = stance(member, situation, history) {
            history.stances.insert(member.address, (stance, *now));
        }
    }
    let History {
        stances,
        homes,
        parted,
        ..
    } = history;
    stances.retain(|_, (_, at)| now.since(*at) < limits.quarantine);
    for member in situation.roster.members() {
        if let Some(Ok(view)) = situation.answers.get(&member.address) {
            let home = (view.node.clone(), member.id.clone());
            homes.insert(member.address, home);
        }
    }
    homes.retain(|at, _| stances.contains_key(at));
    for (at, (node, _)) in homes {
        match stances.get(at) {
            Some((Stance::Parted, seen)) => parted.insert(node.clone(), *seen),
            _ => parted.remove(node),
        };
    }
    parted.retain(|_, at| now.since(*at) < limits.quarantine);
}

/// Whether only a name server says that it is there, nobody of ours has ever answered
/// there, and other clusters' nodes have been found under the same name.
fn may_be_a_stranger<D>(member: &Member, situation: &Situation<'_, D>, history: &History) -> bool {
    !history.strangers.is_empty()
        && is_only_listed(member)
        && !matches!(situation.answers.get(&member.address), Some(Ok(_)))
        && !history.has_answered(member.address)
}

fn stance<D>(member: &Member, situation: &Situation<'_, D>, history: &History) -> Option<Stance> {
    let answers = matches!(situation.answers.get(&member.address), Some(Ok(_)));
    let goes = member.is_stopping() || member.has_ended();
    let parts = goes || history.released.contains_key(&member.address);
    // What it said last is heard for a while after it has stopped, and a name
    // server lists it for a while.
    let last = history.stance(member.address);
    let parted = !answers && last == Some(Stance::Parted);
    match member.standing() {
        Standing::Wanted if answers => Some(Stance::Wanted),
        Standing::Wanted => match last {
            None | Some(Stance::Listed) if member.is_vouched() => Some(Stance::Awaited),
            None => Some(Stance::Listed),
            Some(last) => (!last.has_left()).then_some(last),
        },
        Standing::Leaving if parts || parted => Some(Stance::Parted),
        // Nobody has asked it to go: it has vanished, or may have.
        Standing::Leaving if member.is_out_of_sight() && !member.is_patient() => None,
        Standing::Leaving => Some(Stance::Leaving),
        _ => None,
    }
}
