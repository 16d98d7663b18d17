//! Which replicas a worker has heard of since it began. Orchestrators count those of a service
//! from a first number and give the lowest that is free, so whoever hears of the third alone
//! does not see everybody: two of them may be well behind a cut.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Context, History, MemberId, Roster};

/// No database has so many members; whoever announces a higher number is not counted.
const MOST: u64 = 4_096;

/// Notes which members of each service have been heard of. A list that names all knows
/// which numbers below them are free.
pub(crate) fn note(roster: &Roster, history: &mut History) {
    let numbers = numbers(roster);
    let whole = roster.census().present().is_some();
    let all = &mut history.heard_numbers;
    all.retain(|service, _| numbers.contains_key(service.as_str()));
    for (service, numbers) in numbers {
        let heard = all.entry(service.to_owned()).or_default();
        let last = numbers.last().copied().filter(|_| whole);
        heard.extend(0..last.unwrap_or_default().min(MOST));
        heard.extend(numbers.range(..=MOST));
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
        let heard = history.heard_numbers.get(service)?;
        let mut below = limits.first_slot..numbers.last().copied()?.min(MOST);
        let slot = below.find(|number| !heard.contains(number))?;
        Some(MemberId::Slot {
            service: service.to_owned(),
            slot,
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
