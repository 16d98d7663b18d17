//! Who has the keys of which slots.

use std::collections::BTreeMap;

use meshworker_core::{Copies, Run, Stock};

use super::world::{Node, World};
use crate::redis::slots::Slots;

/// So many ranges of slots are named.
const RANGES: usize = 8;

/// For each master that has keys: its slots, and who has a copy of them: itself, the
/// replicas that follow it closely, and those that it sees alive and that give no
/// answer now. That is whole when each slot's owner answers: of one that is gone
/// nobody knows whether another takes over.
pub fn copies(world: &World<'_>) -> Copies {
    let owners = || {
        let owners = world.owners.iter();
        owners.map(|(id, slots)| (world.nodes.get(id), slots))
    };
    let stocks = owners().filter_map(|(owner, slots)| stock(world, owner?, slots));
    Copies {
        stocks: stocks.collect(),
        made: world.anchor().is_some()
            && world.unowned.is_empty()
            && owners().all(|(owner, _)| owner.is_some()),
        runs: world.anchor_nodes().filter_map(|n| run(world, n)).collect(),
    }
}

/// The process that a master is, where its keys end with it. What a replica holds is
/// its master's: one that is started anew and empty empties those that follow it.
fn run(world: &World<'_>, node: &Node<'_>) -> Option<(String, Run)> {
    let master = match &node.own.master {
        Some(master) => world.nodes.get(master.as_str())?,
        None => node,
    };
    let told = &master.view.detail;
    let run = Run {
        process: told.run_id.clone(),
        empty: node.view.detail.keys == 0 && told.keys == 0 && !told.outlived,
    };
    // One that still loads what its master has is neither the one nor the other.
    let knows = told.in_memory && node.view.detail.in_sync;
    knows.then(|| (node.id.to_owned(), run))
}

fn stock(world: &World<'_>, owner: &Node<'_>, slots: &Slots) -> Option<Stock> {
    let follows = |node: &&Node<'_>| {
        node.own.replica && node.own.master.as_deref() == Some(owner.id) && node.view.detail.in_sync
    };
    let followers = world.anchor_nodes().filter(follows);
    let mut nodes: BTreeMap<String, _> = followers.map(|n| (n.id.to_owned(), None)).collect();
    nodes.insert(owner.id.to_owned(), None);
    let silent = owner.view.detail.table.iter().filter(|entry| {
        entry.replica
            && entry.is_alive()
            && entry.master.as_deref() == Some(owner.id)
            && !world.nodes.contains_key(entry.node.as_str())
    });
    nodes.extend(silent.map(|entry| (entry.node.clone(), None)));
    (owner.view.detail.keys > 0).then(|| Stock {
        what: format!("slots {}", named(slots)),
        pieces: slots.count() as u64,
        unit: "slots",
        copies: nodes.len(),
        nodes,
    })
}

fn named(slots: &Slots) -> String {
    let ranges = slots.ranges();
    let first = Slots::from_ranges(ranges.iter().take(RANGES).copied());
    match ranges.len() > RANGES {
        true => format!("{first} and others"),
        false => first.to_string(),
    }
}
