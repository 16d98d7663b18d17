//! Slots of which each of two members holds the other to be the owner.
//!
//! Two workers act on looks of the same moment: one gives slots to a member from which
//! the other takes some. With what comes to it the member gets a new epoch, and for a
//! moment claims with that what it has given away already. Whoever was given it believes
//! the claim, and then nobody owns it.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::Draft;
use super::world::{Node, World};
use crate::redis::request::Act;
use crate::redis::slots::Slots;

/// Has each such slot taken by the one of the two that most of the others hold to be the
/// owner. Returns whether there are any.
pub fn slots(world: &World<'_>, draft: &mut Draft) -> bool {
    let masters: Vec<&Node<'_>> = world.anchor_nodes().filter(|n| n.is_master()).collect();
    let mut astray: BTreeMap<(&str, &str), Vec<u16>> = BTreeMap::new();
    for (position, one) in masters.iter().copied().enumerate() {
        for other in masters.iter().copied().skip(position + 1) {
            let unowned = world.unowned.iter();
            for slot in unowned.filter(|at| gives(one, other, *at) && gives(other, one, *at)) {
                let votes = |node| masters.iter().filter(|m| gives(m, node, slot)).count();
                let ranks = [one, other].map(|node| (votes(node), Reverse(node.order)));
                let (taker, giver) = match ranks[0] > ranks[1] {
                    true => (one, other),
                    false => (other, one),
                };
                astray.entry((taker.id, giver.id)).or_default().push(slot);
            }
        }
    }
    let any = !astray.is_empty();
    for ((taker, giver), slots) in astray {
        if let (Some(taker), Some(giver)) = (world.nodes.get(taker), world.nodes.get(giver)) {
            let slots: Slots = slots.into_iter().collect();
            let said = [
                taker.said(format!("slots {slots} are {}'s", giver.id)),
                giver.said(format!("slots {slots} are {}'s", taker.id)),
            ];
            let act = Act::Retake {
                slots,
                giver: giver.id.to_owned(),
                address: giver.address,
            };
            draft.step(taker, act, said.into());
        }
    }
    any
}

/// Whether the one holds the other to be the owner of this slot.
fn gives(one: &Node<'_>, other: &Node<'_>, slot: u16) -> bool {
    let entry = one.entry(other.id);
    entry.is_some_and(|entry| entry.slots.contains(slot))
}
