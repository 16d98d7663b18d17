//! Which replicas a worker has heard of since it began. Swarm counts those of a service
//! from 1 and gives the lowest number that is free, so whoever hears of the third alone
//! does not see everybody: two of them may be well behind a cut.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Context, History, MemberId, Roster};

/// Notes up to which number all members of each service have been heard of.
pub(crate) fn note(roster: &Roster, history: &mut History) {
    let numbers = numbers(roster);
    let heard = &mut history.heard_up_to;
    heard.retain(|service, _| numbers.contains_key(service.as_str()));
    for (service, numbers) in numbers {
        let up_to = heard.entry(service.to_owned()).or_default();
        for number in numbers {
            if number == *up_to + 1 {
                *up_to = number;
            }
        }
    }
}

/// A member of which nobody has said anything since this worker began, though one with a
/// higher number is there. A number may be free for ever: after a while it is, and where
/// the task list names all.
pub(crate) fn never_heard(
    context: &Context<'_>,
    roster: &Roster,
    history: &History,
) -> Option<MemberId> {
    let Context { now, limits, .. } = context;
    let listened = now.since(history.began_at.unwrap_or(*now));
    if roster.census().present().is_some() || listened >= limits.mass_vanish_hold {
        return None;
    }
    let missing = |(service, numbers): (&str, BTreeSet<u64>)| {
        let up_to = history.heard_up_to.get(service).copied()?;
        (numbers.last() > Some(&up_to)).then(|| MemberId::Slot {
            service: service.to_owned(),
            slot: up_to + 1,
        })
    };
    numbers(roster).into_iter().find_map(missing)
}

fn numbers(roster: &Roster) -> BTreeMap<&str, BTreeSet<u64>> {
    let mut numbers: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
    for member in roster.members() {
        if let MemberId::Slot { service, slot } = &member.id {
            numbers.entry(service).or_default().insert(*slot);
        }
    }
    numbers
}
