//! A new cluster gets its slots.

use std::collections::{BTreeMap, BTreeSet};

use meshworker_core::{Reason, Refusal, Situation, Unanswered, counted};

use super::world::{Node, World, all_keys, known_slots};
use super::{Draft, Rules, claim};
use crate::redis::MIN_MASTERS;
use crate::redis::detail::Detail;
use crate::redis::nodes::Entry;
use crate::redis::request::Act;
use crate::redis::slots::{SLOTS, Slots};

/// Gives the slots that nobody owns to the masters. Whoever owned slots before
/// keeps them, so that a worker which died in between, or a second one beside
/// it, comes to the same result.
pub fn slots(
    rules: &Rules,
    situation: &Situation<'_, Detail>,
    world: &World<'_>,
    joining: bool,
    draft: &mut Draft,
) {
    let unowned = &world.unowned;
    let what = format!("assign slots {unowned}");
    let members: Vec<&Node<'_>> = world.members().collect();
    let begun = unowned.count() < usize::from(SLOTS);
    let out_of_sight = silent(situation).or_else(|| unheard(situation, world));
    if claim::slots(world, out_of_sight.clone(), draft) {
        return;
    }
    if let Some(why) = doubt(situation, world).or(out_of_sight) {
        draft
            .refusals
            .push(Refusal::new(what, Reason::DataUnowned(why)));
        return;
    }
    if joining {
        draft
            .waits
            .push(format!("slots {unowned} wait until everybody has joined"));
        return;
    }
    // Which members are masters is decided once, so it is worth waiting for
    // all; what a worker before us has begun goes on.
    let need = if begun { MIN_MASTERS } else { rules.initial };
    if members.len() < need {
        let reason = Reason::TooFew {
            have: members.len(),
            need,
        };
        draft.refusals.push(Refusal::new(what, reason));
        return;
    }
    // Whoever is still to come may bring data, though nobody has heard of it.
    let have = situation.wanted_views().count();
    if let Some(need) = situation.desired().filter(|need| have < *need && !begun) {
        let reason = Reason::TooFew { have, need };
        draft.refusals.push(Refusal::new(what, reason));
        return;
    }
    let owned = |node: &Node<'_>| world.owners.get(node.id).map_or(0, Slots::count);
    let mut chosen: Vec<&Node<'_>> = members.iter().copied().filter(|n| owned(n) > 0).collect();
    let candidates: Vec<&Node<'_>> = members
        .iter()
        .copied()
        .filter(|node| owned(node) == 0 && node.is_master())
        .collect();
    let wished = rules.masters(members.len()).saturating_sub(chosen.len());
    chosen.extend(spread(&candidates, wished, &chosen));
    chosen.sort_by_key(|node| node.order);

    let held: Vec<usize> = chosen.iter().map(|node| owned(node)).collect();
    for (node, slots) in chosen.iter().zip(share(unowned, &held)) {
        if !slots.is_empty() {
            let said = node.said(format!(
                "slots {unowned} have no owner, and there is no key"
            ));
            draft.step(node, Act::Assign(slots), vec![said]);
        }
    }
}

/// Why the slots may belong to data that is out of sight.
fn doubt(situation: &Situation<'_, Detail>, world: &World<'_>) -> Option<String> {
    let unowned = &world.unowned;
    let keys = all_keys(world.anchor_nodes());
    if keys > 0 {
        let keys = counted(keys, "keys");
        return Some(format!(
            "slots {unowned} have no owner while nodes hold {keys}: if their data is lost \
             for good, assign them with CLUSTER ADDSLOTSRANGE"
        ));
    }
    // It is next to us, has another name or none, and may be what these members
    // were meant to join.
    let formed = world.fragments.iter().skip(1).flatten().find_map(|id| {
        let node = world.nodes.get(id)?;
        (node.wanted && !known_slots(node).is_empty()).then_some(node.address)
    });
    if let Some(address) = formed {
        return Some(format!(
            "{address} belongs to a formed cluster already: take it out of the service, or let \
             all nodes announce the same cluster name"
        ));
    }
    // What is meant to go still has it, and waits until others have it as well.
    let inside: BTreeSet<&str> = world.anchor_nodes().map(|node| node.id).collect();
    let mut nodes = world.nodes.values();
    let goes = nodes.find(|node| node.leaving && !node.is_empty() && !inside.contains(node.id));
    if let Some(node) = goes {
        let (address, keys) = (node.address, counted(node.view.detail.keys, "keys"));
        let slots = counted(node.own.slots.count(), "slots");
        return Some(format!(
            "{address}, which is meant to go, holds {keys} and {slots} of before: if \
             nobody needs them, stop it"
        ));
    }
    let loading = situation.wanted().find(|member| {
        let answer = situation.answers.get(&member.address);
        matches!(answer, Some(Err(Unanswered::Starting(_))))
    });
    loading.map(|member| {
        format!(
            "{} is loading data, which may belong to slots {unowned}",
            member.address
        )
    })
}

/// Why slots are not dealt out yet: somebody who is said to exist, and not by a name
/// server alone, has not told what it holds. After a power cut members with new
/// directories are up before those that read their data; and whoever was given slots
/// when the dealing began may be silent before the others have heard of it.
fn silent(situation: &Situation<'_, Detail>) -> Option<String> {
    let mut members = situation.roster.members().iter();
    members.find_map(|member| {
        let address = member.address;
        let why = match situation.answers.get(&address) {
            Some(Ok(_)) => return None,
            Some(Err(why)) => why.to_string(),
            None => "not asked".into(),
        };
        member
            .is_vouched()
            .then(|| format!("{address} may hold their data and does not tell: {why}"))
    })
}

/// Why slots are not dealt out yet: a member that nobody reaches is in the others'
/// tables, and what it owns is perhaps not. It is waited for until they hold it to be
/// gone: nobody is forgotten while slots have no owner.
///
/// Whoever is alive to them and is no member is anybody who found their bus.
fn unheard(situation: &Situation<'_, Detail>, world: &World<'_>) -> Option<String> {
    let is_anybody = |entry: &Entry| {
        let at = entry.address.filter(|_| entry.is_alive());
        at.is_some_and(|at| situation.roster.at(at).is_none())
    };
    let mut entries = world
        .anchor_nodes()
        .flat_map(|node| &node.view.detail.table[..]);
    let entry = entries.find(|entry| {
        !entry.is_gone()
            && !world.nodes.contains_key(entry.node.as_str())
            && !world.owners.contains_key(entry.node.as_str())
            && !is_anybody(entry)
    })?;
    let (node, health) = (&entry.node, entry.said());
    Some(format!(
        "{node} is in the members' tables ({health}), does not answer, and may own some of them"
    ))
}

/// Chooses `count` of the candidates, in their order, so that as few as
/// possible share a host with each other and with those chosen before.
pub fn spread<'n, 'a>(
    candidates: &[&'n Node<'a>],
    count: usize,
    before: &[&Node<'_>],
) -> Vec<&'n Node<'a>> {
    let mut on_host: BTreeMap<&str, usize> = BTreeMap::new();
    for node in before {
        *on_host.entry(node.host.as_str()).or_default() += 1;
    }
    let mut left = candidates.to_vec();
    let mut chosen = Vec::new();
    while chosen.len() < count {
        let crowd = |node: &&Node<'_>| on_host.get(node.host.as_str()).copied().unwrap_or(0);
        let Some(best) = (0..left.len()).min_by_key(|at| (left.get(*at).map(crowd), *at)) else {
            break;
        };
        let node = left.remove(best);
        *on_host.entry(node.host.as_str()).or_default() += 1;
        chosen.push(node);
    }
    chosen
}

/// Shares `free` slots among masters that hold that many already: in order and
/// in one piece each, as far as that goes, so that all end up with the same
/// number, give or take one.
pub fn share(free: &Slots, held: &[usize]) -> Vec<Slots> {
    let all = free.count() + held.iter().sum::<usize>();
    let masters = held.len().max(1);
    let mut rest = free.iter();
    let mut shares: Vec<Vec<u16>> = held
        .iter()
        .enumerate()
        .map(|(position, held)| {
            let quota = all / masters + usize::from(position < all % masters);
            rest.by_ref().take(quota.saturating_sub(*held)).collect()
        })
        .collect();
    // When somebody holds more than a fair share, the quotas do not use up all.
    let mut poorest = 0;
    for slot in rest {
        let total =
            |at: usize| held.get(at).copied().unwrap_or(0) + shares.get(at).map_or(0, Vec::len);
        poorest = (0..held.len())
            .min_by_key(|at| total(*at))
            .unwrap_or(poorest);
        if let Some(share) = shares.get_mut(poorest) {
            share.push(slot);
        }
    }
    debug_assert!(all <= usize::from(SLOTS));
    shares.into_iter().map(Slots::from_iter).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_new_cluster_is_cut_into_even_pieces() {
        let shares = share(&Slots::all(), &[0, 0, 0]);
        let shares: Vec<String> = shares.iter().map(Slots::to_string).collect();
        assert_eq!(shares, ["0-5461", "5462-10922", "10923-16383"]);
    }

    #[test]
    fn what_one_got_before_makes_no_difference() {
        for done in 0..3 {
            let whole = share(&Slots::all(), &[0, 0, 0]);
            let mut held = [0, 0, 0];
            held[done] = whole[done].count();
            let rest = share(&whole[done].missing(), &held);
            for (at, slots) in rest.iter().enumerate() {
                let expected = if at == done {
                    &Slots::default()
                } else {
                    &whole[at]
                };
                assert_eq!(slots, expected, "{done} was done");
            }
        }
    }

    proptest! {
        #[test]
        fn every_free_slot_goes_to_one_master_and_all_have_the_same(
            masters in 1usize..40,
            owned in prop::collection::vec((0u16..SLOTS, 0u16..40), 0..40),
        ) {
            // Scattered slots are owned already, dealt to the masters in turn.
            let taken = Slots::from_ranges(
                owned.iter().map(|(first, more)| (*first, first.saturating_add(*more))),
            );
            let mut held = vec![0; masters];
            for (turn, _) in taken.iter().enumerate() {
                held[turn % masters] += 1;
            }
            let free = taken.missing();
            let shares = share(&free, &held);
            let given: usize = shares.iter().map(Slots::count).sum();
            prop_assert_eq!(given, free.count());
            let union = shares.iter().fold(Slots::default(), |all, one| all.union(one));
            prop_assert_eq!(union, free);
            let totals: Vec<usize> = shares.iter().zip(&held).map(|(s, h)| s.count() + h).collect();
            let most = totals.iter().max().unwrap();
            let least = totals.iter().min().unwrap();
            prop_assert!(most - least <= 1, "{totals:?}");
        }
    }
}
