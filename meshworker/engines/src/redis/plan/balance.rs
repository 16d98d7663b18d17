//! Masters with few slots get some.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use super::replicas::Cast;
use super::versions::{self, flows};
use super::world::{Node, World};
use super::{Draft, large};
use crate::redis::request::Act;
use crate::redis::slots::{SLOTS, Slots};
use meshworker_core::Place;

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
    let tolerance = fair.div_ceil(TOLERANCE).max(1);
    if most - least <= tolerance {
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
    let bar = |from: usize, to: usize| match (masters.get(from), masters.get(to)) {
        (Some(from), Some(to)) => !flows(from, to),
        _ => true,
    };
    let moves = moves(owned.clone(), &kinds(masters), tolerance, &bar);
    if moves.is_empty() {
        let at = |number: usize| owned.iter().position(|owned| *owned == number);
        let ends = at(most).zip(at(least));
        if let Some((from, to)) = ends.and_then(|(a, b)| masters.get(a).zip(masters.get(b))) {
            let what = format!("move slots from {} to {}", from.address, to.address);
            draft.refusals.push(versions::refusal(what, from, to));
        }
    }
    let mut sources = BTreeSet::new();
    for ((source, target), range) in moves {
        let (Some(source), Some(target)) = (masters.get(source), masters.get(target)) else {
            continue;
        };
        if sources.insert(source.id) {
            draft.refusals.extend(large::refusals(source));
        }
        let strangers = source.entry(target.id).is_none_or(|entry| entry.replica)
            || target.entry(source.id).is_none_or(|entry| entry.replica);
        if strangers {
            let (source, target) = (source.address, target.address);
            draft
                .waits
                .push(format!("{source} and {target} do not know each other yet"));
            continue;
        }
        let slots = tail(&large::movable(source, target.id), range);
        if slots.is_empty() {
            continue;
        }
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
pub fn other_masters(world: &World<'_>, source: &Node<'_>, target: &Node<'_>) -> Vec<Place> {
    world
        .anchor_nodes()
        .filter(|node| node.is_master() && node.id != source.id && node.id != target.id)
        .map(|node| node.address)
        .collect()
}

/// Which of the masters run the same server, as numbers.
fn kinds(masters: &[&Node<'_>]) -> Vec<usize> {
    let mut known = Vec::new();
    let kinds = masters.iter().map(|node| {
        let release = node.view.detail.release;
        known
            .iter()
            .position(|other| *other == release)
            .unwrap_or_else(|| {
                known.push(release);
                known.len() - 1
            })
    });
    kinds.collect()
}

/// For each pair of source and target, which of the source's slots move,
/// counted from its last one. None between those that differ by no more than the
/// tolerance, nor where there is a bar from one kind of master to another.
fn moves(
    mut owned: Vec<usize>,
    kinds: &[usize],
    tolerance: usize,
    bar: &dyn Fn(usize, usize) -> bool,
) -> BTreeMap<(usize, usize), std::ops::Range<usize>> {
    let mut counts: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    let mut enough = tolerance;
    for _ in 0..SLOTS_AT_ONCE {
        let Some((rich, poor)) = furthest(&owned, kinds, enough, bar) else {
            break;
        };
        enough = 1;
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

/// The two between which most is to move, if that is more than enough; of each kind
/// only the richest and the poorest are looked at.
fn furthest(
    owned: &[usize],
    kinds: &[usize],
    enough: usize,
    bar: &dyn Fn(usize, usize) -> bool,
) -> Option<(usize, usize)> {
    let all = || owned.iter().copied().zip(kinds.iter().copied()).enumerate();
    let mut richest: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    let mut poorest: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    for (at, (owned, kind)) in all() {
        let rich = richest.entry(kind).or_insert((owned, at));
        if owned > rich.0 {
            *rich = (owned, at);
        }
        let poor = poorest.entry(kind).or_insert((owned, at));
        if owned < poor.0 {
            *poor = (owned, at);
        }
    }
    let pairs = richest.values().flat_map(|(most, rich)| {
        let poor = poorest.values();
        poor.map(move |(least, poor)| (most.saturating_sub(*least), *rich, *poor))
    });
    let open = pairs.filter(|(difference, rich, poor)| *difference > enough && !bar(*rich, *poor));
    let (_, rich, poor) =
        open.max_by_key(|(difference, rich, poor)| (*difference, Reverse((*rich, *poor))))?;
    Some((rich, poor))
}

fn tail(slots: &Slots, range: std::ops::Range<usize>) -> Slots {
    let slots = slots.iter().rev();
    slots.skip(range.start).take(range.len()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn after(owned: &[usize]) -> Vec<usize> {
        let mut after = owned.to_vec();
        let kinds = vec![0; owned.len()];
        for ((source, target), slots) in moves(owned.to_vec(), &kinds, 1, &|_, _| false) {
            after[source] -= slots.len();
            after[target] += slots.len();
        }
        after
    }

    #[test]
    fn a_new_master_gets_from_each_of_the_others() {
        let moved = moves(vec![5462, 5461, 5461, 0], &[0; 4], 1, &|_, _| false);
        let moved: Vec<_> = moved.into_iter().collect();
        assert_eq!(moved, [((0, 3), 0..44), ((1, 3), 0..42), ((2, 3), 0..42)]);
    }

    #[test]
    fn nothing_goes_where_it_cannot_be_read() {
        let up = |from: usize, to: usize| from > to;
        // From the second to the first nothing can go.
        let moved = moves(vec![0, 8192, 8192], &[0, 1, 2], 10, &|a, b| {
            a == 1 && b == 0
        });
        let moved: Vec<_> = moved.into_keys().collect();
        assert_eq!(moved, [(2, 0)]);
        assert!(moves(vec![0, 8192, 8192], &[0, 1, 2], 10, &up).is_empty());
        // What little is not as it should be is left alone.
        assert!(moves(vec![0, 8192, 8200], &[0, 1, 1], 10, &up).is_empty());
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
            let kinds = vec![0; owned.len()];
            prop_assert!(moves(owned, &kinds, 1, &|_, _| false).is_empty());
        }
    }
}
