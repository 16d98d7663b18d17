//! Fragments become one cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use meshworker_core::{Reason, Refusal, counted};

use super::world::{Node, World, all_keys, is_linked, known_slots, wrong_name};
use super::{Draft, Rules};
use crate::redis::nodes::{Entry, Health};
use crate::redis::request::Act;

/// How many lost members one member is introduced to at once: gossip about
/// those finds it the others.
const LOST_AT_ONCE: usize = 16;

/// One `CLUSTER MEET` per fragment that may join the anchor, all of them to the
/// anchor's first member: gossip introduces everybody to everybody. Returns
/// whether some fragment is still on its way.
pub fn fragments(rules: &Rules, world: &World<'_>, draft: &mut Draft) -> bool {
    let Some(host) = world.members().next() else {
        return false;
    };
    let known = known_ids(world, world.anchor().unwrap_or_default());
    let mut joining = false;
    for group in world.fragments.iter().skip(1) {
        let nodes: Vec<&Node<'_>> = group.iter().filter_map(|id| world.nodes.get(id)).collect();
        let Some(guest) = nodes.iter().copied().find(|node| node.wanted) else {
            continue;
        };
        if let Some(refusal) = unfit(world, &nodes, guest, &known) {
            draft.refusals.push(refusal);
            let places = nodes.iter().flat_map(|node| &node.addresses);
            draft.foreign.extend(places);
            continue;
        }
        joining = true;
        if shaking_hands(world, &nodes) {
            draft
                .waits
                .push(format!("{} is being introduced", guest.address));
            continue;
        }
        let said = match host.entry(guest.id) {
            Some(entry) => format!("{} at {:?}: {}", guest.id, entry.address, entry.said()),
            None => format!("does not know {}", guest.id),
        };
        draft.step(host, meet(rules, guest, false), vec![host.said(said)]);
    }
    joining
}

/// Members that know each other and cannot find each other: `noaddr`, which
/// happens when they came back at each other's addresses. Gossip repairs every
/// other wrong address, once its failure is noticed, but not this one. Each is
/// asked for by itself: one that does not come must not keep the others away.
pub fn lost_addresses(rules: &Rules, world: &World<'_>, draft: &mut Draft) {
    let members: BTreeSet<&str> = world.members().map(|member| member.id).collect();
    for host in world.members() {
        let table = host.view.detail.table.iter();
        let lost = table
            .filter(|entry| entry.health == Health::Lost && members.contains(entry.node.as_str()))
            .filter_map(|entry| {
                let guest = world.nodes.get(entry.node.as_str())?;
                let met = host.view.detail.handshakes.contains(&guest.address);
                (!met).then_some((guest, entry))
            });
        for (guest, entry) in lost.take(LOST_AT_ONCE) {
            let said = host.said(format!("{}: {}", guest.id, entry.said()));
            draft.step(host, meet(rules, guest, false), vec![said]);
        }
    }
}

/// Members that know a member which does not know them. Gossip is about to tell
/// it, unless it was told to forget them a moment ago: then it believes no gossip
/// about them for the rest of the minute (`CLUSTER FORGET` in Redis'
/// documentation), but an introduction.
pub fn unheard_of(rules: &Rules, world: &World<'_>, draft: &mut Draft) {
    let all = world.members().count();
    // Each shared table is read once.
    let mut unknown: BTreeMap<*const Entry, Vec<&Node<'_>>> = BTreeMap::new();
    for host in world.members() {
        let table = Arc::as_ptr(&host.view.detail.table).cast();
        let guests = unknown.entry(table).or_insert_with(|| {
            let mut guests: Vec<_> = world.members().collect();
            guests.retain(|guest| host.entry(guest.id).is_none());
            // A newcomer hears of the others one by one.
            let is_new = 2 * guests.len() >= all;
            if is_new { Vec::new() } else { guests }
        });
        let knows = |guest: &&&Node<'_>| guest.entry(host.id).is_some_and(is_linked);
        for guest in guests.iter().filter(knows).take(LOST_AT_ONCE) {
            let said = host.said(format!("does not know {}", guest.id));
            let says = guest.said(format!("knows {}", host.id));
            draft.step(host, meet(rules, guest, true), vec![said, says]);
        }
    }
}

fn meet(rules: &Rules, guest: &Node<'_>, last_resort: bool) -> Act {
    let port = guest.address.port(rules.port);
    let usual = port.checked_add(10_000);
    Act::Meet {
        address: guest.address,
        port,
        bus_port: guest
            .view
            .detail
            .bus_port
            .filter(|port| Some(*port) != usual),
        guest: guest.id.to_owned(),
        last_resort,
    }
}

/// Why a fragment must not join the anchor.
fn unfit(
    world: &World<'_>,
    nodes: &[&Node<'_>],
    guest: &Node<'_>,
    known: &BTreeSet<&str>,
) -> Option<Refusal> {
    let named = nodes.iter().find_map(|node| {
        let found = node.view.cluster_name.as_ref()?;
        let expected = world.name.as_ref()?;
        (found != expected).then_some((node, expected, found))
    });
    if let Some((node, expected, found)) = named {
        return Some(wrong_name(guest.address, node.id, expected, found));
    }
    // Old acquaintances: they were one cluster before.
    let ids: Vec<&str> = nodes.iter().map(|node| node.id).collect();
    let knows_us = known_ids(world, &ids);
    let anchor = world.anchor_nodes();
    if ids.iter().any(|id| known.contains(id))
        || anchor.into_iter().any(|n| knows_us.contains(n.id))
    {
        return None;
    }
    let slots: usize = nodes.iter().map(|node| node.own.slots.count()).sum();
    let keys = all_keys(nodes.iter().copied());
    // A replica whose master is away has a cluster, too.
    let has_one = nodes.iter().any(|node| !known_slots(node).is_empty());
    let others = (knows_us.len() > nodes.len()).then(|| format!(", knows {}", knows_us.len()));
    (has_one || keys > 0).then(|| Refusal {
        what: format!("join {}", guest.address),
        reason: Reason::ForeignCluster(format!(
            "{}, {}, {}{}",
            counted(nodes.len(), "nodes"),
            counted(slots, "slots"),
            counted(keys, "keys"),
            others.unwrap_or_default()
        )),
        evidence: vec![guest.said(format!("knows {}", counted(guest.view.size, "nodes")))],
    })
}

/// The ids in these nodes' tables.
fn known_ids<'a>(world: &World<'a>, of: &[&'a str]) -> BTreeSet<&'a str> {
    world
        .tables(of.iter().copied())
        .into_iter()
        .flat_map(|(_, table)| table.iter().map(|entry| entry.node.as_str()))
        .collect()
}

/// Whether the anchor and these nodes are being introduced right now, by
/// either side. A handshake ends by itself, well or after the node time-out.
fn shaking_hands(world: &World<'_>, nodes: &[&Node<'_>]) -> bool {
    let meets = |a: &Node<'_>, b: &Node<'_>| {
        let hands = &a.view.detail.handshakes;
        b.addresses.iter().any(|address| hands.contains(address))
    };
    let busy = |node: &&&Node<'_>| !node.view.detail.handshakes.is_empty();
    let theirs = nodes.iter().filter(busy);
    let mut ours = world.anchor_nodes();
    ours.any(|member| nodes.iter().any(|node| meets(member, node)))
        || theirs
            .into_iter()
            .any(|node| world.anchor_nodes().any(|member| meets(node, member)))
}
