//! Whether the members are one cluster, and what is missing if not.

use std::collections::BTreeSet;

use meshworker_core::{Place, Situation, Unity, View};

use super::Draft;
use super::world::{Node, World, is_at, is_linked};
use crate::redis::detail::Detail;
use crate::redis::nodes::Entry;

/// One, when every wanted member that answered sees every other one where it
/// is and in its part, all slots are served, and nothing is on the move.
/// A departed node that is remembered still does not keep it from being one.
pub fn of(world: &World<'_>, situation: &Situation<'_, Detail>, draft: &Draft) -> Unity {
    match missing(world, situation, draft) {
        Some(missing) => Unity::Apart { missing },
        None => Unity::One {
            size: world.members().count(),
        },
    }
}

/// Introductions that led nowhere, after which that is no accident.
const IN_VAIN: u32 = 2;

/// Why a member that answers us stays outside, where that can be seen: the members hold it
/// to be dead, and are not shaking hands with it, or were told of it again and again.
fn unreached(
    world: &World<'_>,
    situation: &Situation<'_, Detail>,
    at: Place,
    view: &View<Detail>,
) -> Option<String> {
    let is_dead = |node: &Node<'_>| node.entry(&view.node).is_some_and(Entry::is_gone);
    let times = situation.joining.get(&at).copied().unwrap_or_default();
    let port = view.detail.bus_port?;
    (times >= IN_VAIN || world.members().any(is_dead)).then(|| {
        format!(": it answers here, and other members do not reach it: is its port {port} blocked?")
    })
}

fn missing(world: &World<'_>, situation: &Situation<'_, Detail>, draft: &Draft) -> Option<String> {
    let inside: BTreeSet<Place> = world
        .members()
        .flat_map(|node| node.addresses.iter().copied())
        .collect();
    let mut wanted = situation.wanted_views();
    let outside = wanted.find(|(member, _)| !inside.contains(&member.address));
    if let Some((member, view)) = outside {
        let why = unreached(world, situation, member.address, view).unwrap_or_default();
        return Some(format!("{} has not joined{why}", member.address));
    }
    if world.members().next().is_none() {
        return Some("no member answers".into());
    }
    if !world.unowned.is_empty() {
        return Some(format!("slots {} have no owner", world.unowned));
    }
    if let Some(wait) = draft.waits.first() {
        return Some(wait.clone());
    }
    if let Some(step) = draft.steps.first() {
        let made = match draft.steps.len() {
            1 => "1 request is".to_owned(),
            count => format!("{count} requests are"),
        };
        return Some(format!("{made} to be made: {step}"));
    }
    // Right after a start a node holds those to be well whom it has not heard yet.
    let mut owners = world.owners.iter();
    let away = owners.find(|(id, slots)| {
        let there = world.anchor_nodes().any(|node| node.id == **id);
        !there && !slots.is_empty()
    });
    if let Some((id, slots)) = away {
        return Some(format!("slots {slots} are {id}'s, which does not answer"));
    }
    // Members that share one table agree with each other.
    for (node, _) in world.tables(world.members().map(|node| node.id)) {
        let differs = world.members().find_map(|member| {
            let entry = node.entry(member.id);
            let seen = entry.filter(|entry| is_linked(entry) && is_at(entry, member));
            match seen {
                None => Some((member, "does not see")),
                Some(entry) if entry == member.own => None,
                Some(_) => Some((member, "has not heard of the part of")),
            }
        });
        if let Some((member, how)) = differs {
            let (node, member) = (node.address, member.address);
            return Some(format!("{node} {how} {member} yet"));
        }
    }
    world.members().find_map(|node| {
        let detail = &node.view.detail;
        let why = match &node.view.working {
            Some(work) => work.clone(),
            None if !detail.in_sync => "it has lost its master".into(),
            None => return None,
        };
        Some(format!("{}: {why}", node.address))
    })
}
