//! Which replicas a worker has heard of since it began. Orchestrators count those of a service
//! from a first number and give the lowest that is free, so whoever hears of the third alone
//! does not see everybody: two of them may be well behind a cut.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Context, Member, MemberId, Moment, Place, Roster};

/// No database has so many members; whoever announces a higher number is not counted.
const MOST: u64 = 4_096;

/// The numbers of one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// Since when any of its members has been heard of.
    since: Moment,
    /// Which have been heard of since then, or are known to be free.
    heard: BTreeSet<u64>,
    /// Whether all have gone, or go by now.
    over: bool,
}

impl Numbers {
    fn since(since: Moment) -> Numbers {
        Numbers {
            since,
            heard: BTreeSet::new(),
            over: false,
        }
    }
}

/// Which members of each service have been heard of, after these were known; and who parts
/// by now. A list that names all knows which numbers below them are free. Once all have gone,
/// whoever comes next says nothing of those before: the lower numbers were given anew.
pub(crate) fn note(
    context: &Context<'_>,
    roster: &Roster,
    mut known: BTreeMap<String, Numbers>,
    parts: impl Fn(Place) -> bool,
) -> BTreeMap<String, Numbers> {
    let whole = roster.census().present().is_some();
    let noted = services(roster).into_iter().map(|(service, members)| {
        let goes = |at: &Member| at.is_going() && parts(at.address);
        let come = members.iter().any(|(_, member)| !member.is_going());
        let same = known.remove(service).filter(|b| !(b.over && come));
        let mut noted = same.unwrap_or_else(|| Numbers::since(context.now));
        let there = members.iter().filter(|(_, member)| !goes(member));
        let there = there.map(|(number, _)| *number);
        noted.heard.extend(there.filter(|number| *number <= MOST));
        if let Some((last, _)) = members.last().filter(|_| whole) {
            noted.heard.extend(0..(*last).min(MOST));
        }
        noted.over = !come && (noted.over || members.iter().all(|(_, member)| goes(member)));
        (service.to_owned(), noted)
    });
    noted.collect()
}

/// A member of which nobody has said anything since its service has been heard of, though
/// one with a higher number is there. A number may be free for ever: after a while it is,
/// and where the task list names all.
pub(crate) fn never_heard(
    context: &Context<'_>,
    roster: &Roster,
    known: &BTreeMap<String, Numbers>,
) -> Option<MemberId> {
    let Context { now, limits, .. } = context;
    if roster.census().present().is_some() {
        return None;
    }
    let missing = |(service, members): (&str, Vec<(u64, &Member)>)| {
        let Numbers { since, heard, .. } = known.get(service)?;
        if now.since(*since) >= limits.mass_vanish_hold {
            return None;
        }
        let (last, _) = members.last()?;
        let mut below = limits.first_slot..(*last).min(MOST);
        let slot = below.find(|number| !heard.contains(number))?;
        Some(MemberId::Slot {
            service: service.to_owned(),
            slot,
        })
    };
    services(roster).into_iter().find_map(missing)
}

/// The members of each service with their numbers, the highest last.
fn services(roster: &Roster) -> BTreeMap<&str, Vec<(u64, &Member)>> {
    let mut services: BTreeMap<&str, Vec<(u64, &Member)>> = BTreeMap::new();
    for member in roster.members() {
        if let MemberId::Slot { service, slot } = &member.id {
            services.entry(service).or_default().push((*slot, member));
        }
    }
    services
}
