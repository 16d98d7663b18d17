//! Slots on the move: a worker died halfway, or the operator did.

use std::collections::{BTreeMap, BTreeSet};

use meshworker_core::{Reason, Refusal};

use super::balance::{SLOTS_AT_ONCE, other_masters};
use super::versions::{self, flows};
use super::world::{Node, World};
use super::{Draft, large};
use crate::redis::migrate::OPEN_AT_ONCE;
use crate::redis::nodes::OpenSlot;
use crate::redis::request::Act;
use crate::redis::slots::Slots;

/// The slots on the move, as far as they keep others waiting.
#[derive(Debug, Default)]
pub struct Opened {
    /// Whether there are any that masters with few slots wait for.
    pub any: bool,
    /// Whether some of them are on their way, or may yet be.
    pub arrive: bool,
    /// Those that can go nowhere until somebody does something about it, and why.
    pub stuck: BTreeMap<u16, String>,
}

impl Opened {
    /// The nodes that are at work with nothing else.
    pub fn stuck_nodes(&self, world: &World<'_>) -> BTreeSet<String> {
        let nodes = world.anchor_nodes().filter(|node| {
            let detail = &node.view.detail;
            let mut open = detail.open.iter();
            let only_these = open.all(|open| self.stuck.contains_key(&open.slot));
            !detail.open.is_empty() && only_these && detail.state_ok && detail.in_sync
        });
        nodes.map(|node| node.id.to_owned()).collect()
    }

    /// What this refusal says of a slot.
    fn stays(&mut self, slot: u16, refusal: &Refusal) {
        self.stuck.insert(slot, refusal.reason.to_string());
    }
}

/// What becomes of one open slot at one node.
enum Fate<'w, 'a> {
    /// It goes on its way: its keys may be at both ends already.
    Finish {
        source: &'w Node<'a>,
        target: &'w Node<'a>,
    },
    /// It has arrived, and only the mark is left.
    Close,
    /// The other end is gone, and with it perhaps some keys.
    Stuck,
    /// Its owner is gone and will be replaced, or come back.
    Wait,
}

/// Finishes or closes the slots that are on the move, also those of a member
/// that is meant to go: what has come to it moves on later. Returns what there is.
pub fn slots(world: &World<'_>, draft: &mut Draft) -> Opened {
    let mut moves: BTreeMap<(&str, &str), Vec<u16>> = BTreeMap::new();
    let mut moving: BTreeMap<u16, ()> = BTreeMap::new();
    let mut opened = Opened::default();
    let large = large::on_the_move(world);
    for (slot, refusal) in &large {
        opened.stays(*slot, refusal);
    }
    let given: BTreeSet<u16> = world
        .anchor_nodes()
        .flat_map(|node| node.view.detail.open.iter())
        .filter(|open| open.leaves)
        .map(|open| open.slot)
        .collect();
    // Those who give first: both ends then name the same move.
    for leaves in [true, false] {
        for node in world.anchor_nodes().filter(|node| node.is_master()) {
            if !leaves && has_old_keys(world, node) {
                // They may not be given to it either.
                (opened.any, opened.arrive) = (true, true);
                let refusal = old_keys(node);
                // What its owner gives to somebody else is on a way of its own.
                let coming = node.view.detail.open.iter();
                let coming = coming.filter(|open| !given.contains(&open.slot));
                coming.for_each(|open| opened.stays(open.slot, &refusal));
                draft.refusals.push(refusal);
                continue;
            }
            let mut closed = Vec::new();
            for open in node.view.detail.open.iter().filter(|o| o.leaves == leaves) {
                // What is too large to arrive holds nothing else up.
                if large.contains_key(&open.slot) {
                    continue;
                }
                let mut arrives = true;
                match fate(world, node, open) {
                    Fate::Finish { source, target } if !flows(source, target) => {
                        let (slot, at) = (open.slot, target.address);
                        let what = format!("finish the move of slot {slot} to {at}");
                        let refusal = versions::refusal(what, source, target);
                        opened.stays(slot, &refusal);
                        draft.refusals.push(refusal);
                        arrives = false;
                    }
                    Fate::Finish { source, target } => {
                        if moving.len() < SLOTS_AT_ONCE && moving.insert(open.slot, ()).is_none() {
                            let pair = moves.entry((source.id, target.id)).or_default();
                            pair.push(open.slot);
                        }
                    }
                    Fate::Close => closed.push(open.slot),
                    Fate::Stuck => {
                        let refusal = stuck(node, open);
                        opened.stays(open.slot, &refusal);
                        draft.refusals.push(refusal);
                        (opened.any, arrives) = (true, false);
                    }
                    Fate::Wait => draft
                        .waits
                        .push(format!("slot {} waits for {}", open.slot, open.other)),
                }
                opened.any |= arrives;
                opened.arrive |= arrives;
            }
            if !closed.is_empty() {
                let closed: Slots = closed.into_iter().collect();
                let said = node.said(format!(
                    "slots {closed} on the move, and they need not move"
                ));
                draft.step(node, Act::Close(closed), vec![said]);
            }
        }
    }
    draft.refusals.extend(large.into_values());
    for ((source, target), slots) in moves {
        if let (Some(source), Some(target)) = (world.nodes.get(source), world.nodes.get(target)) {
            let slots: Slots = slots.into_iter().collect();
            let said = format!("slots {slots} on the move to {}", target.id);
            let act = Act::Move {
                slots,
                target: target.id.to_owned(),
                address: target.address,
                others: other_masters(world, source, target),
            };
            draft.step(source, act, vec![source.said(said)]);
        }
    }
    opened
}

/// Whether a node without slots has more of them on the way to it than any workers
/// have ever begun, and none of their owners gives it any: it was killed before its
/// disk was rid of what it held once, has loaded that, and Redis marks the slots of
/// the keys that it found. Deleted keys would come back if those slots went to it.
fn has_old_keys(world: &World<'_>, node: &Node<'_>) -> bool {
    if !node.own.slots.is_empty() || node.view.detail.keys == 0 {
        return false;
    }
    let masters = world.anchor_nodes().filter(|node| node.is_master());
    let most = masters.count() * OPEN_AT_ONCE;
    let coming = node.view.detail.open.iter().filter(|open| !open.leaves);
    let given = |slot: u16| {
        let mut nodes = world.anchor_nodes();
        nodes.any(|other| {
            let mut open = other.view.detail.open.iter();
            open.any(|open| open.leaves && open.slot == slot && open.other == node.id)
        })
    };
    // Few are on the move at most times, so that few are looked up.
    coming.clone().count() > most && coming.filter(|open| !given(open.slot)).count() > most
}

fn old_keys(node: &Node<'_>) -> Refusal {
    let (keys, at) = (node.view.detail.keys, node.address);
    Refusal {
        what: format!("move slots to {at}"),
        reason: Reason::DataUnowned(format!(
            "it holds {keys} keys of slots that others own and do not give it, as after a crash: \
             if nobody needs them, send it FLUSHALL"
        )),
        evidence: vec![node.said(format!(
            "{keys} keys, no slots, {} on the move to it",
            node.view.detail.open.len()
        ))],
    }
}

fn fate<'w, 'a>(world: &'w World<'a>, node: &'w Node<'a>, open: &OpenSlot) -> Fate<'w, 'a> {
    match (open.leaves, node.own.slots.contains(open.slot)) {
        (true, true) => leaving(world, node, open),
        // It gave the slot away, or has it already, and the mark was left.
        (true, false) | (false, true) => Fate::Close,
        // Nobody whom we do not know is given anything, whatever it says.
        (false, false) if !node.is_known() => Fate::Wait,
        (false, false) => match owner(world, open.slot) {
            Some(source) => Fate::Finish {
                source,
                target: node,
            },
            None => Fate::Wait,
        },
    }
}

/// What becomes of a slot that its owner is giving away.
fn leaving<'w, 'a>(world: &'w World<'a>, node: &'w Node<'a>, open: &OpenSlot) -> Fate<'w, 'a> {
    let other = world.nodes.get(open.other.as_str());
    let target = match other {
        // It was replaced by one of its replicas, which has its keys.
        Some(other) if other.own.replica => {
            let master = other.own.master.as_deref();
            master.and_then(|master| world.nodes.get(master))
        }
        other => other,
    };
    match target {
        Some(target) if !target.is_known() => Fate::Wait,
        Some(target) if target.is_master() && target.id != node.id => Fate::Finish {
            source: node,
            target,
        },
        Some(_) => Fate::Wait,
        // A target that takes a large key answers nobody for a while.
        None if node
            .entry(&open.other)
            .is_some_and(|entry| !entry.is_gone()) =>
        {
            Fate::Wait
        }
        None => Fate::Stuck,
    }
}

/// The node that owns the slot and answers.
fn owner<'w, 'a>(world: &'w World<'a>, slot: u16) -> Option<&'w Node<'a>> {
    world
        .anchor_nodes()
        .find(|node| node.own.slots.contains(slot))
}

fn stuck(node: &Node<'_>, open: &OpenSlot) -> Refusal {
    let OpenSlot { slot, other, .. } = open;
    Refusal {
        what: format!("close slot {slot} at {}", node.address),
        reason: Reason::DataUnowned(format!(
            "slot {slot} was on its way to {other}, which is gone, and keys may have gone with \
             it: if it will not come back, send CLUSTER SETSLOT {slot} STABLE to {}",
            node.address
        )),
        evidence: vec![node.said(format!("[{slot}->-{other}]"))],
    }
}
