//! Masters with few slots get some.

use std::collections::{BTreeMap, btree_map::Entry};
use std::net::IpAddr;

use super::Draft;
use super::replicas::Cast;
use super::world::{Node, World};
use crate::redis::request::Act;
use crate::redis::slots::{SLOTS, Slots};

/// How many slots move in one pass: enough for a new master of four to have
/// its share after 32 passes, and few enough that the next look, which sees
/// what changed meanwhile, is never far away.
pub const SLOTS_AT_ONCE: usize = 128;

/// A difference of this part of a fair share is left alone, so that masters
/// that an operator has balanced by hand stay as they are.
const TOLERANCE: usize = 50;

/// Moves slots from the masters with most to those with least. Only while
/// everything else is in order: moving needs both ends and the way between.
/// Not while somebody is meant to go, whose slots will make up for most of it.
pub fn masters(world: &World<'_>, cast: &Cast<'_, '_>, draft: &mut Draft) {
    if world.leavers().next().is_some() {
        return;
    }
    let masters = cast.masters.as_slice();
    let owned: Vec<usize> = masters.iter().map(|node| node.own.slots.count()).collect();
    let fair = usize::from(SLOTS) / masters.len().max(1);
    let most = owned.iter().max().copied().unwrap_or(0);
    let least = owned.iter().min().copied().unwrap_or(0);
    if most - least <= fair.div_ceil(TOLERANCE).max(1) {
        return;
    }
    let in_order = world.complete
        && owned.iter().sum::<usize>() == usize::from(SLOTS)
        && world.members().all(|node| node.view.detail.state_ok);
    if !in_order {
        draft
            .waits
            .push("slots wait to be moved until the cluster is in order".into());
        return;
    }
    for ((source, target), count) in moves(owned) {
        let (Some(source), Some(target)) = (masters.get(source), masters.get(target)) else {
            continue;
        };
        let strangers = source.entry(target.id).is_none_or(|entry| entry.replica)
            || target.entry(source.id).is_none_or(|entry| entry.replica);
        if strangers {
            let (source, target) = (source.address, target.address);
            draft
                .waits
                .push(format!("{source} and {target} do not know each other yet"));
            continue;
        }
        let slots = tail(source, count);
        let said = [source, target].map(|n| n.said(format!("{} slots", n.own.slots.count())));
        let act = Act::Move {
            slots,
            target: target.id.to_owned(),
            address: target.address,
            others: other_masters(world, source, target),
        };
        draft.step(source, act, said.into());
    }
}

/// The other masters' addresses, which are told of a slot's new owner.
pub fn other_masters(world: &World<'_>, source: &Node<'_>, target: &Node<'_>) -> Vec<IpAddr> {
    world
        .anchor_nodes()
        .filter(|node| node.is_master() && node.id != source.id && node.id != target.id)
        .map(|node| node.address)
        .collect()
}

/// For each pair of source and target, which of the source's slots move,
/// counted from its last one.
fn moves(mut owned: Vec<usize>) -> BTreeMap<(usize, usize), std::ops::Range<usize>> {
    let mut counts: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for _ in 0..SLOTS_AT_ONCE {
        let rich = owned.iter().enumerate().rev().max_by_key(|(_, n)| **n);
        let poor = owned.iter().enumerate().min_by_key(|(_, n)| **n);
        let (Some((rich, most)), Some((poor, least))) = (rich, poor) else {
            break;
        };
        if most - least <= 1 {
            break;
        }
        *counts.entry((rich, poor)).or_default() += 1;
        if let Some(count) = owned.get_mut(rich) {
            *count -= 1;
        }
        if let Some(count) = owned.get_mut(poor) {
            *count += 1;
        }
    }
    let mut taken: BTreeMap<usize, usize> = BTreeMap::new();
    let ranges = counts.into_iter().map(|((rich, poor), count)| {
        let start = match taken.entry(rich) {
            Entry::Occupied(mut start) => {
                let before = *start.get();
                *start.get_mut() += count;
                before
            }
            Entry::Vacant(start) => {
                start.insert(count);
                0
            }
        };
        ((rich, poor), start..start + count)
    });
    ranges.collect()
}

fn tail(source: &Node<'_>, range: std::ops::Range<usize>) -> Slots {
    let slots = source.own.slots.iter().rev();
    slots.skip(range.start).take(range.len()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn after(owned: &[usize]) -> Vec<usize> {
        let mut after = owned.to_vec();
        for ((source, target), slots) in moves(owned.to_vec()) {
            after[source] -= slots.len();
            after[target] += slots.len();
        }
        after
    }

    #[test]
    fn a_new_master_gets_from_each_of_the_others() {
        let moved = moves(vec![5462, 5461, 5461, 0]);
        let moved: Vec<_> = moved.into_iter().collect();
        assert_eq!(moved, [((0, 3), 0..44), ((1, 3), 0..42), ((2, 3), 0..42)]);
    }

    proptest! {
        #[test]
        fn passes_lead_to_balance_and_lose_no_slot(
            mut owned in prop::collection::vec(0usize..3000, 1..12),
        ) {
            let total: usize = owned.iter().sum();
            for _ in 0..=total / SLOTS_AT_ONCE {
                owned = after(&owned);
                prop_assert_eq!(owned.iter().sum::<usize>(), total);
            }
            prop_assert!(owned.iter().max().unwrap() - owned.iter().min().unwrap() <= 1);
            prop_assert!(moves(owned).is_empty());
        }
    }
}
