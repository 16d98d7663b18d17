//! Data goes to servers that can read it: from older ones to newer ones.
//!
//! An update therefore has a point of no return, which is when the first member of a
//! newer version holds data: no older one can take that from it. It is said as soon
//! as two versions are seen.

use meshworker_core::{Reason, Refusal};

use super::Draft;
use super::world::{Node, World};
use crate::redis::release::Release;

/// Whether this node's data can go to that one. Whoever does not tell its version is
/// tried.
pub fn flows(from: &Node<'_>, to: &Node<'_>) -> bool {
    match (from.view.detail.release, to.view.detail.release) {
        (Some(from), Some(to)) => to.reads(from),
        _ => true,
    }
}

/// That something is not done since its data could not be read.
pub fn refusal(what: String, from: &Node<'_>, to: &Node<'_>) -> Refusal {
    let said = |node: &Node<'_>| match node.view.detail.release {
        Some(release) => release.to_string(),
        None => "an unknown version".into(),
    };
    Refusal {
        what,
        reason: Reason::OneWay {
            older: said(to),
            newer: said(from),
            remedy: format!(
                "update {} as well, or add a member that runs {}",
                to.address,
                said(from)
            ),
        },
        evidence: [from, to].map(|node| node.said(said(node))).into(),
    }
}

/// What cannot be undone, as soon as members of two versions are there: also of one
/// that has not joined yet.
pub fn remark(world: &World<'_>, draft: &mut Draft) {
    let inside = world.anchor().unwrap_or_default();
    let ours = |node: &&Node<'_>| node.is_known() && (node.is_empty() || inside.contains(&node.id));
    let known = || world.nodes.values().filter(ours);
    let versions = || known().filter_map(|node| node.view.detail.release);
    let Some(newest) = versions().max_by(|a, b| newer(*a, *b)) else {
        return;
    };
    let Some(oldest) = versions().filter(|other| !other.reads(newest)).min() else {
        return;
    };
    let mut first = known().filter(|node| {
        let release = node.view.detail.release;
        release.is_some_and(|release| !oldest.reads(release))
    });
    let holder = first.clone().find(|node| !node.own.slots.is_empty());
    let remedy = match (holder, first.next()) {
        (Some(node), _) => format!(
            "{} holds such data, so go on until all members run {newest}; a rollback would end \
             in members that cannot start",
            node.address
        ),
        (None, Some(node)) => format!(
            "{} owns no slot yet, and this is the last moment to go back; a slot that has gone \
             there can only go on to members that run {newest}",
            node.address
        ),
        (None, None) => return,
    };
    let evidence = known().filter_map(|node| {
        let release = node.view.detail.release?;
        Some(node.said(release.to_string()))
    });
    draft.refusals.push(Refusal {
        what: format!("keep a way back to {oldest}"),
        reason: Reason::OneWay {
            older: oldest.to_string(),
            newer: newest.to_string(),
            remedy,
        },
        evidence: evidence.collect(),
    });
}

/// The one that reads the other is the newer; of two that read each other, or neither,
/// the higher.
fn newer(a: Release, b: Release) -> std::cmp::Ordering {
    let reads = (a.reads(b)).cmp(&b.reads(a));
    reads.then(a.cmp(&b))
}
