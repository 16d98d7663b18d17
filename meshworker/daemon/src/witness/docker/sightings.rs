//! From what the engine lists to what the witness reports. Pure.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use meshworker_core::{Grade, MemberId, Presence, Report, Sighting, Witness};

use super::address::addresses;
use crate::docker::{LONGEST_WORD, Listing, Node, Task};

/// The swarm's nodes, by their ids.
type Nodes<'l> = HashMap<&'l str, &'l Node>;

/// So many addresses are reported of one service: twice as many as any of the databases
/// can have members, since a slot has two while it is updated.
pub(super) const MOST_LISTED: usize = 2048;

/// What one takes at the most in a report, in bytes: its texts, and what stands around
/// them, and its node's name.
pub(super) const A_SIGHTING: usize = size_of::<Sighting>() + 3 * (LONGEST_WORD + 32) + 64 + 96;

/// What the listing says of this service, whose name is compared as a whole:
/// the engine's own filter takes every service that begins so.
///
/// A service that does not exist is a failure in words: nobody is absent
/// because of a mistyped name, or of a service that is deployed anew.
///
/// The answer is incomplete as soon as the address of one task is not clear.
pub(super) fn report(listing: &Listing, service: &str, network: Option<&str>) -> Report {
    let Some(found) = listing.services.iter().find(|s| s.spec.name == service) else {
        let why = format!("there is no service {service}");
        return Report::unknown(Witness::Docker, Grade::Failed(why));
    };
    let nodes = listing.nodes.iter();
    let nodes: Nodes<'_> = nodes.map(|node| (node.id.as_str(), node)).collect();
    let (mut unclear, mut coming) = (None, Vec::new());
    let mut sightings: BTreeMap<IpAddr, Sighting> = BTreeMap::new();
    for task in listing.tasks.iter().filter(|t| t.service == found.id) {
        let Some(presence) = presence(task, &nodes) else {
            continue;
        };
        let addresses = addresses(task, network).unwrap_or_else(|why| {
            unclear.get_or_insert_with(|| format!("{} is {why}", called(task, service)));
            Vec::new()
        });
        let comes = addresses.is_empty() && presence == Presence::Present;
        coming.extend(member(task, service).filter(|_| comes && coming.len() < MOST_LISTED));
        let node = task.node.as_ref().filter(|node| !node.is_empty());
        let known = node.and_then(|node| nodes.get(node.as_str()));
        for address in addresses {
            if sightings.len() >= MOST_LISTED {
                unclear = Some(format!("more than {MOST_LISTED} addresses are listed"));
                break;
            }
            let sighting = Sighting {
                address: address.into(),
                member: member(task, service),
                node: node.cloned(),
                node_name: known.and_then(|node| node.description.hostname.clone()),
                task: Some(task.id.clone()),
                part: None,
                presence: presence.clone(),
                disk: None,
                known_as: None,
            };
            // One address, two tasks: whoever has it next is there already.
            match sightings.get(&address) {
                Some(other) if rank(&other.presence) <= rank(&presence) => {}
                _ => {
                    sightings.insert(address, sighting);
                }
            }
        }
    }
    let grade = match unclear {
        Some(why) => Grade::Failed(why),
        None if sightings.is_empty() => Grade::Empty,
        None => Grade::Answer,
    };
    let replicated = found.spec.mode.replicated.as_ref();
    Report {
        witness: Witness::Docker,
        grade,
        sightings: sightings.into_values().collect(),
        coming,
        desired: replicated.and_then(|replicated| replicated.replicas),
    }
}

/// What the task list says of a task; none when its container is gone, or was
/// never made.
fn presence(task: &Task, nodes: &Nodes<'_>) -> Option<Presence> {
    if task.is_over() {
        return None;
    }
    let assigned = task.node.as_deref().filter(|node| !node.is_empty());
    // A node that is cut off reports nothing: its containers go on running for
    // as long as they like, whatever the task is meant to be. One that was
    // removed from the swarm is no better.
    if assigned.is_some_and(|node| {
        let known = nodes.get(node);
        known.is_none_or(|node| node.status.state == "down")
    }) {
        return Some(Presence::OutOfSight);
    }
    // A successor that waits for its predecessor to stop is meant to be `ready`.
    match task.desired_state.as_str() {
        "shutdown" | "remove" | "complete" | "failed" | "rejected" | "orphaned" => {
            Some(Presence::Leaving)
        }
        _ => Some(Presence::Present),
    }
}

/// The slot; none for a task of a global service, which is known by its address.
fn member(task: &Task, service: &str) -> Option<MemberId> {
    let slot = task.slot.filter(|slot| *slot > 0)?;
    Some(MemberId::Slot {
        service: service.to_owned(),
        slot,
    })
}

fn called(task: &Task, service: &str) -> String {
    match member(task, service) {
        Some(member) => member.to_string(),
        None => format!("task {} of {service}", task.id),
    }
}

fn rank(presence: &Presence) -> u8 {
    match presence {
        Presence::Present => 0,
        Presence::Leaving => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests;
