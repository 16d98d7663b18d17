//! Slots of which each master says that another one owns them.

use std::collections::BTreeSet;

use meshworker_core::{Reason, Refusal};

use super::Draft;
use super::world::{Node, World};
use crate::redis::request::Act;
use crate::redis::slots::Slots;

/// Has the masters settle who owns these slots, unless somebody who may own them is out of
/// sight. Returns whether there are any.
pub fn slots(world: &World<'_>, out_of_sight: Option<String>, draft: &mut Draft) -> bool {
    let contested = contested(world);
    let mut masters = masters(world);
    if contested.is_empty() {
        return false;
    }
    let what = format!("settle who owns slots {contested}");
    if let Some(why) = out_of_sight {
        draft
            .refusals
            .push(Refusal::new(what, Reason::DataUnowned(why)));
        return true;
    }
    if let Some(first) = masters.next() {
        let others = masters.map(|node| (node.id.to_owned(), node.address));
        let said = first.said(format!("slots {contested} belong to others, which deny it"));
        let act = Act::Claim {
            slots: contested,
            others: others.collect(),
        };
        draft.step(first, act, vec![said]);
    }
    true
}

/// The slots that no master owns by its own word and some do by another's.
fn contested(world: &World<'_>) -> Slots {
    if world.unowned.is_empty() {
        return Slots::default();
    }
    let masters: BTreeSet<&str> = masters(world).map(|node| node.id).collect();
    let ids = world.fragments.first().into_iter().flatten().copied();
    let tables = world.tables(ids);
    let entries = tables.iter().flat_map(|(_, table)| table.iter());
    let named = entries.filter(|entry| masters.contains(entry.node.as_str()));
    let named = named.flat_map(|entry| entry.slots.iter());
    named.filter(|slot| world.unowned.contains(*slot)).collect()
}

/// The masters that witnesses know, those that stay first.
fn masters<'w, 'a>(world: &'w World<'a>) -> impl Iterator<Item = &'w Node<'a>> {
    let is_ours = |node: &&Node<'_>| node.is_known() && node.is_master();
    let leavers = world.leavers().filter(is_ours);
    world.members().filter(is_ours).chain(leavers)
}
