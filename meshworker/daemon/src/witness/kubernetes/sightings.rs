//! From what the API says to what the witness reports. Pure.

use std::collections::BTreeSet;

use meshworker_core::{Grade, MemberId, NodeName, Presence, Report, Sighting, Witness};

use crate::kubernetes::{Pod, PodState, Pods, StatefulSet};

/// So many members are told to come at the most: more than any of the databases can have.
const MOST_COMING: u64 = 1024;

/// What these pods are, of the StatefulSet of this name that is meant to be so; of these numbers
/// nobody has ended them in their time.
pub(super) fn report(
    pods: &Pods,
    name: &str,
    set: &StatefulSet,
    overdue: &BTreeSet<u64>,
) -> Report {
    let member = |slot: u64| MemberId::Slot {
        service: name.to_owned(),
        slot,
    };
    let mut sightings = Vec::new();
    for (slot, pod) in pods.iter() {
        let presence = match pod.state {
            PodState::There => Presence::Present,
            PodState::Terminating(_) if overdue.contains(&slot) => Presence::OutOfSight,
            PodState::Terminating(_) => Presence::Leaving,
            PodState::Lost => Presence::OutOfSight,
            PodState::Over => continue,
        };
        sightings.extend(pod.addresses.iter().map(|address| Sighting {
            member: Some(member(slot)),
            node: pod.node.clone(),
            node_name: pod.node.as_deref().map(NodeName::from),
            task: Some(pod.uid.clone()),
            presence: presence.clone(),
            ..Sighting::at((*address).into())
        }));
    }
    // Of one number there is one pod at a time: whoever is to be there and is not comes, and
    // so does whoever goes and is not one too many. Nothing else comes back.
    let there = |slot: u64| {
        let there = |pod: &Pod| pod.state == PodState::There && !pod.addresses.is_empty();
        pods.get(slot).is_some_and(there)
    };
    let wanted = set.wanted(MOST_COMING);
    let grade = match pods.too_many {
        true => Grade::Failed("more pods are listed than any database has members".to_owned()),
        false if sightings.is_empty() => Grade::Empty,
        false => Grade::Answer,
    };
    Report {
        witness: Witness::Kubernetes,
        grade,
        sightings,
        coming: wanted.filter(|slot| !there(*slot)).map(member).collect(),
        desired: usize::try_from(set.replicas()).ok(),
    }
}

#[cfg(test)]
mod tests;
