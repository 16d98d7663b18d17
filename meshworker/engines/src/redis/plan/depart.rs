//! Nodes that the cluster holds to be gone.

use std::collections::{BTreeMap, BTreeSet};

use meshworker_core::{Departure, Objection, Place, Situation, Step};

use super::world::{Node, World};
use crate::redis::detail::Detail;
use crate::redis::nodes::Entry;
use crate::redis::request::{Act, RedisRequest};

/// What the tables say of one node that does not answer.
#[derive(Default)]
struct Remembered<'a> {
    address: Option<Place>,
    gone: bool,
    /// Who does not hold it to be gone, and what it says.
    alive_to: Vec<(&'a str, String)>,
}

/// Nodes that at least one member holds to be gone, that do not answer, and
/// what there is against forgetting them.
pub fn departures(
    situation: &Situation<'_, Detail>,
    world: &World<'_>,
) -> Vec<Departure<RedisRequest>> {
    // A member that came back under another address answers as itself.
    let answering: BTreeSet<&str> = situation.views().into_keys().collect();
    let mut remembered: BTreeMap<&str, Remembered<'_>> = BTreeMap::new();
    let ids = world.anchor().unwrap_or_default().iter().copied();
    for (node, table) in world.tables(ids) {
        for entry in table
            .iter()
            .filter(|e| !answering.contains(e.node.as_str()))
        {
            let seen = remembered.entry(entry.node.as_str()).or_default();
            seen.address = seen.address.or(entry.address);
            // Of one that was let go its supervisor has seen the end, which the others
            // notice only once it has been silent for their node time-out.
            let gone = entry.is_gone()
                || (entry.address).is_some_and(|address| situation.has_ended(address));
            seen.gone |= gone;
            if !gone {
                seen.alive_to.push((node.id, entry.said()));
            }
        }
    }
    remembered
        .into_iter()
        .filter(|(_, seen)| seen.gone)
        .map(|(id, seen)| departure(situation, world, id, seen))
        .collect()
}

fn departure(
    situation: &Situation<'_, Detail>,
    world: &World<'_>,
    id: &str,
    seen: Remembered<'_>,
) -> Departure<RedisRequest> {
    let steps = world.anchor_nodes().filter_map(|node| {
        let entry = node.entry(id)?;
        Some(Step::new(
            node.address,
            RedisRequest {
                node: node.id.to_owned(),
                act: Act::Forget {
                    node: id.to_owned(),
                },
                parting: false,
            },
            vec![node.said(format!("{id}: {}", entry.said()))],
        ))
    });
    let alive_to = seen.alive_to.into_iter();
    let mut objections: Vec<Objection> = alive_to
        .map(|(node, said)| Objection::AliveTo {
            node: node.to_owned(),
            said,
        })
        .collect();
    objections.extend(holds(world, id).map(Objection::HoldsData));
    let taken = |address: &Place| matches!(situation.answers.get(address), Some(Ok(_)));
    Departure {
        node: id.to_owned(),
        address: seen.address.filter(|address| !taken(address)),
        objections,
        steps: steps.collect(),
    }
}

/// What the departed node may hold alone. Redis itself refuses to forget the
/// master of a replica.
fn holds(world: &World<'_>, id: &str) -> Option<String> {
    if let Some(slots) = world.owners.get(id) {
        return Some(format!("slots {slots}"));
    }
    let anchor = || world.anchor_nodes();
    let open = anchor().find_map(|node: &Node<'_>| {
        let mut open = node.view.detail.open.iter();
        open.find(|open| open.other == id)
    });
    if let Some(open) = open {
        return Some(format!("keys of slot {}, which is on the move", open.slot));
    }
    let follows = |entry: &Entry| entry.replica && entry.master.as_deref() == Some(id);
    anchor()
        .find(|node| follows(node.own))
        .map(|replica| format!("the lead of replica {}", replica.address))
}
