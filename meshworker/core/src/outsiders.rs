//! Who has no say, although it answers or is said to be alive: whoever is of another
//! cluster, whoever only databases know, and an address at which nobody ever was.

use std::collections::BTreeSet;

use crate::{
    Census, Context, Departure, History, Member, Observation, Place, Presence, Reason, Refusal,
    Roster, Situation, Standing, Unanswered, Witness,
};

/// Those of these nodes that no witness knows, although those that list everybody
/// have spoken. What was known lately is known; what is not heard for now may be.
pub(crate) fn unknown<D, R>(
    roster: &Roster,
    observed: &Observation<D>,
    bystanders: Vec<Departure<R>>,
    history: &History,
) -> Vec<Departure<R>> {
    if bystanders.is_empty() || !lists_are_complete(roster.census()) {
        return Vec::new();
    }
    let named = observed.named();
    let mut unknown = bystanders;
    unknown.retain(|node| {
        node.address.is_some_and(|address| {
            !named.contains(&address)
                && history.stance(address).is_none()
                && !history.places.contains_key(&address)
        })
    });
    unknown
}

/// Whether whoever belongs here would be listed: the task list knows it even where
/// the name server does not answer.
fn lists_are_complete(census: &Census) -> bool {
    census.lists_tasks() || census.is_complete(Witness::Dns)
}

/// One remark for all of them, however many they are.
pub(crate) fn remark<R>(unknown: &[Departure<R>], roster: &Roster) -> Option<Refusal> {
    let first = unknown.first()?;
    let address = first.address?;
    Some(Refusal {
        what: format!("count {address}"),
        reason: Reason::Stranger {
            node: first.node.clone(),
            others: unknown.len() - 1,
        },
        evidence: roster.sightings(address),
    })
}

/// Addresses that a name server alone lists, where nobody has ever answered and that
/// no database knows, once that has lasted. Notes since when it does.
pub(crate) fn never_there<D>(
    context: &Context<'_>,
    situation: &Situation<'_, D>,
    history: &mut History,
) -> BTreeSet<Place> {
    let known: BTreeSet<Place> = (situation.answers.values().flatten())
        .flat_map(|view| view.peers.iter().filter_map(|peer| peer.address))
        .collect();
    let somebody = !situation.views().is_empty();
    let doubtful = |member: &&Member| {
        somebody
            && member.standing() == Standing::Wanted
            && is_only_listed(member)
            && !known.contains(&member.address)
            && !history.has_answered(member.address)
            && matches!(
                situation.answers.get(&member.address),
                Some(Err(Unanswered::Unreachable(_)))
            )
    };
    let members = situation.roster.members().iter();
    let doubtful: BTreeSet<Place> = members.filter(doubtful).map(|m| m.address).collect();
    history
        .unheard
        .retain(|address, _| doubtful.contains(address));
    let Context { now, limits, .. } = context;
    let never: BTreeSet<Place> = (doubtful.into_iter())
        .filter(|address| {
            let since = *history.unheard.entry(*address).or_insert(*now);
            now.since(since) >= limits.unheard_patience
        })
        .collect();
    // Nobody has vanished from where nobody ever was.
    history
        .stances
        .retain(|address, _| !never.contains(address));
    never
}

/// Whether no witness but a name server says that it is there.
pub(crate) fn is_only_listed(member: &Member) -> bool {
    let mut seen = member.seen.iter();
    seen.all(|(witness, presence)| {
        *witness == Witness::Dns || matches!(presence, Presence::Unknown(_) | Presence::Absent)
    })
}

/// The remark on each of these addresses.
pub(crate) fn never_there_remarks<'a>(
    addresses: &'a BTreeSet<Place>,
    roster: &'a Roster,
) -> impl Iterator<Item = Refusal> + 'a {
    addresses.iter().map(|address| Refusal {
        what: format!("join {address}"),
        reason: Reason::NeverThere,
        evidence: roster.sightings(*address),
    })
}
