//! What is too large to move stays, and is named.

use std::collections::{BTreeMap, BTreeSet};

use meshworker_core::{Reason, Refusal};

use super::world::{Node, World};
use crate::redis::detail::Detail;
use crate::redis::heavy::{Heavy, Limit};
use crate::redis::slots::Slots;

/// The slots of this node that cannot go to that one for now.
fn kept(source: &Node<'_>, target: &str) -> BTreeSet<u16> {
    let heavy = source.view.detail.heavy.iter();
    let kept = heavy.filter(|heavy| heavy.bars(target));
    kept.map(|heavy| heavy.slot).collect()
}

/// Its slots that can; one that is on the move already goes where it is going.
pub fn movable(source: &Node<'_>, target: &str) -> Slots {
    let mut kept = kept(source, target);
    kept.extend(source.view.detail.open.iter().map(|open| open.slot));
    if kept.is_empty() {
        return source.own.slots.clone();
    }
    let slots = source.own.slots.iter();
    slots.filter(|slot| !kept.contains(slot)).collect()
}

/// What this node owns and cannot give away, each as a refusal.
pub fn refusals(source: &Node<'_>) -> impl Iterator<Item = Refusal> {
    let heavy = source.view.detail.heavy.iter();
    let own = heavy.filter(|heavy| source.own.slots.contains(heavy.slot));
    own.map(|heavy| refusal(source, heavy))
}

/// The slots that are on the move from a node and keep something that is too large;
/// each with its refusal.
pub fn on_the_move(world: &World<'_>) -> BTreeMap<u16, Refusal> {
    let mut slots = BTreeMap::new();
    for node in world.anchor_nodes() {
        let Detail { heavy, open, .. } = &node.view.detail;
        for heavy in heavy {
            let mut open = open.iter().filter(|o| o.leaves && o.slot == heavy.slot);
            if open.any(|open| heavy.bars(&open.other)) {
                slots.insert(heavy.slot, refusal(node, heavy));
            }
        }
    }
    slots
}

fn refusal(source: &Node<'_>, heavy: &Heavy) -> Refusal {
    let Heavy {
        slot, key, bytes, ..
    } = heavy;
    let to = match &heavy.limit {
        Limit::NodeTimeout(_) => String::new(),
        Limit::Room { target, .. } => format!(" to {target}"),
    };
    Refusal {
        what: format!("move slot {slot} from {}{to}", source.address),
        reason: Reason::TooLarge {
            part: format!("slot {slot}"),
            item: key.clone(),
            bytes: *bytes,
            why: heavy.to_string(),
        },
        evidence: vec![source.said(format!("{bytes} bytes in slot {slot}"))],
    }
}
