//! Who is not of this cluster, or only seems to be.

use std::collections::{BTreeMap, BTreeSet};

use meshworker_core::{Departure, Place, Situation, Standing, Step};

use super::world::{Node, World, known_slots};
use crate::redis::detail::Detail;
use crate::redis::nodes::Entry;
use crate::redis::request::{Act, RedisRequest};

/// Members that are meant to go and were never in: neither do the members know them,
/// nor they any of the members. What they hold is another cluster's, or nothing; while
/// the members do not have all slots themselves, it may be what they were to join, and
/// so may what others have that one of them knows. One that knows a wanted member which
/// is silent may be in with that.
pub fn never_in(situation: &Situation<'_, Detail>, world: &World<'_>) -> BTreeSet<Place> {
    let Some(anchor) = world.anchor() else {
        return BTreeSet::new();
    };
    let ids = anchor.iter().copied();
    let known: BTreeSet<&str> = (world.tables(ids).into_iter())
        .flat_map(|(_, table)| table.iter().map(|entry| entry.node.as_str()))
        .collect();
    let inside: BTreeSet<&str> = anchor.iter().copied().collect();
    let silent = |at: Place| {
        let answers = matches!(situation.answers.get(&at), Some(Ok(_)));
        situation.is_wanted(at) && !answers
    };
    let apart = |node: &&Node<'_>| {
        let mut table = node.view.detail.table.iter();
        node.leaving
            && (world.unowned.is_empty() || node.is_empty() && known_slots(node).is_empty())
            && !known.contains(node.id)
            && table.all(|entry| {
                !inside.contains(entry.node.as_str()) && !entry.address.is_some_and(silent)
            })
    };
    let nodes = world.nodes.values().filter(apart);
    nodes
        .flat_map(|node| node.addresses.iter().copied())
        .collect()
}

/// Nodes that the members hold to be alive, that no witness wants or sees leave, and
/// that own no slot by any table. A replica that answers has shown that it knows the
/// password: it copies what a member has.
pub fn bystanders(
    situation: &Situation<'_, Detail>,
    world: &World<'_>,
) -> Vec<Departure<RedisRequest>> {
    let ids = world.anchor().unwrap_or_default().iter().copied();
    let mut found: BTreeMap<&str, (Place, String)> = BTreeMap::new();
    for (host, table) in world.tables(ids) {
        for entry in table
            .iter()
            .filter(|entry| is_bystander(situation, world, entry))
        {
            if let Some(address) = entry.address {
                let said = format!("{}: {}", host.id, entry.said());
                found.entry(&entry.node).or_insert((address, said));
            }
        }
    }
    let found = found.into_iter();
    found
        .map(|(id, (address, said))| Departure {
            node: id.to_owned(),
            address: Some(address),
            objections: Vec::new(),
            steps: forget(world, id, &said),
        })
        .collect()
}

fn is_bystander(situation: &Situation<'_, Detail>, world: &World<'_>, entry: &Entry) -> bool {
    let named = entry.address.is_none_or(|address| {
        let member = situation.roster.at(address);
        member
            .is_some_and(|member| matches!(member.standing(), Standing::Wanted | Standing::Leaving))
    });
    let node = world.nodes.get(entry.node.as_str());
    let counts = node.is_some_and(|node| node.is_known() || node.own.replica);
    entry.is_alive() && !named && !counts && !world.owners.contains_key(entry.node.as_str())
}

fn forget(world: &World<'_>, id: &str, said: &str) -> Vec<Step<RedisRequest>> {
    let members = world.members().filter(|member| member.entry(id).is_some());
    members
        .map(|member| {
            Step::new(
                member.address,
                RedisRequest {
                    node: member.id.to_owned(),
                    act: Act::Forget {
                        node: id.to_owned(),
                    },
                    parting: false,
                },
                vec![member.said(said)],
            )
        })
        .collect()
}
