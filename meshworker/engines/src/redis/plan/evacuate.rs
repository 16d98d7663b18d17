//! A master that goes and that no replica can follow gives its slots away.

use meshworker_core::{Refusal, Step};

use super::assign::share;
use super::balance::{SLOTS_AT_ONCE, other_masters};
use super::large;
use super::leave::request;
use super::versions::{self, flows};
use super::world::{Node, World};
use crate::redis::request::{Act, RedisRequest};
use crate::redis::slots::Slots;

/// The slots that move in this pass, and where to: in the end all masters that
/// stay have the same number, each in as few pieces as possible.
pub fn slots(
    world: &World<'_>,
    leaver: &Node<'_>,
    stay: &[&Node<'_>],
    refusals: &mut Vec<Refusal>,
) -> (String, Vec<Step<RedisRequest>>) {
    let knows = |node: &Node<'_>, other: &str| {
        let entry = node.entry(other);
        entry.is_some_and(|entry| !entry.replica && entry.is_alive())
    };
    let targets: Vec<&Node<'_>> = stay
        .iter()
        .copied()
        .filter(|target| knows(leaver, target.id) && knows(target, leaver.id))
        .collect();
    if targets.is_empty() {
        return ("no master that stays knows it yet".into(), Vec::new());
    }
    let (targets, others): (Vec<&Node<'_>>, Vec<_>) = targets
        .into_iter()
        .partition(|target| flows(leaver, target));
    if let (true, Some(other)) = (targets.is_empty(), others.first()) {
        let what = format!("move slots from {}", leaver.address);
        let refusal = versions::refusal(what, leaver, other);
        let why = refusal.reason.to_string();
        refusals.push(refusal);
        return (why, Vec::new());
    }
    let held: Vec<usize> = targets.iter().map(|node| node.own.slots.count()).collect();
    let mut left = SLOTS_AT_ONCE;
    let mut steps = Vec::new();
    for (target, share) in targets.iter().zip(share(&leaver.own.slots, &held)) {
        let free = large::movable(leaver, target.id);
        let share = share.iter().filter(|slot| free.contains(*slot));
        let slots: Slots = share.take(left).collect();
        if slots.is_empty() {
            continue;
        }
        left -= slots.count();
        let said = [leaver, target].map(|n| n.said(format!("{} slots", n.own.slots.count())));
        let act = Act::Move {
            slots,
            target: target.id.to_owned(),
            address: target.address,
            others: other_masters(world, leaver, target),
        };
        steps.push(request(leaver, act, said.into()));
    }
    let mut large = large::refusals(leaver).peekable();
    let how = match large.peek() {
        // What can move does, and this is known to stay.
        Some(first) => first.reason.to_string(),
        None => format!("they move to {} masters that stay", targets.len()),
    };
    refusals.extend(large);
    (how, steps)
}
