//! Replicas that ask for their master's data where it was before.
//!
//! A replica dials the address that its master had when it began to follow it,
//! and is to follow it to a new one. When several members move at once, Redis
//! 7.0 may learn of the new address in a way that leaves the old one dialled
//! for ever, beside a table in which everything is right. To be told once more
//! to follow the same master mends it, and costs nothing that is not lost yet.

use super::Draft;
use super::world::{Node, World, is_linked};
use crate::redis::request::Act;
use std::net::IpAddr;

/// A replica that dials a name and has had no link for so many seconds does so in
/// vain. One that copies its master's data has one.
const IN_VAIN: u64 = 10;

/// Tells such replicas once more whom they follow.
pub fn links(world: &World<'_>, draft: &mut Draft) {
    for node in world.members() {
        let Some((master, said)) = stale(world, node) else {
            continue;
        };
        let master = master.id.to_owned();
        draft.step(node, Act::Replicate { master }, vec![node.said(said)]);
    }
}

/// The master of a replica that dials another address than the one that its own
/// table has, and what it says.
fn stale<'w, 'a>(world: &'w World<'a>, node: &Node<'a>) -> Option<(&'w Node<'a>, String)> {
    if !node.own.replica || node.view.detail.in_sync {
        return None;
    }
    let detail = &node.view.detail;
    let dialled = detail.dials.as_deref()?;
    let master = world.nodes.get(node.own.master.as_deref()?)?;
    let entry = node.entry(master.id).filter(|entry| is_linked(entry))?;
    let known = entry.address.filter(|at| master.addresses.contains(at))?;
    let stale = match dialled.parse::<IpAddr>() {
        Ok(dialled) => known.address != dialled,
        // Where a name leads for it nobody here knows: only that it has led nowhere.
        Err(_) => detail.cut_off.is_some_and(|seconds| seconds >= IN_VAIN),
    };
    stale.then(|| {
        (
            master,
            format!("dials its master at {dialled}, which is at {known}"),
        )
    })
}
