//! Members that share a node while another one has fewer.

use std::collections::BTreeMap;

use meshworker_core::{MemberId, Presence, Report, Sighting};

use crate::doctor::{Facts, Seen};
use meshworker_doctor::check::Check;
use meshworker_doctor::finding::{Finding, Severity};

const WHY: &str = "After a node's loss Swarm starts its members on others and never moves them back: \
                   the next loss takes several at once, and all copies of what only they have.";

pub const CHECK: Check<Facts> = Check {
    name: "shared-node",
    finds: "members that share a node while another node could take one of them",
    run: |facts| {
        let mut findings = Vec::new();
        for shared in facts.shared.iter().flatten() {
            let about = format!("cluster {}", shared.cluster);
            let what = format!("{}.", shared.words);
            findings.push(Finding::new(Severity::Warning, about, what).why(WHY));
        }
        // A worker knows what is kept there; the task list, only who is.
        if facts.shared.is_none() {
            let nodes = facts
                .nodes
                .as_ref()
                .map_err(|why| format!("{why}; a worker knows as well: name it with --api"))?;
            let clusters = facts.some_clusters()?.iter();
            let uneven = clusters.filter_map(|seen| uneven(seen, seen.tasks.as_ref()?, nodes));
            findings.extend(uneven.flatten());
        }
        Ok(findings)
    },
};

/// One finding for each node that has two members more than another one has that may run
/// some. Where all are on one node, that is said elsewhere.
fn uneven(seen: &Seen, tasks: &Report, usable: &BTreeMap<String, String>) -> Option<Vec<Finding>> {
    let mut nodes: BTreeMap<&str, Vec<&Sighting>> = BTreeMap::new();
    let present = tasks.sightings.iter();
    let present = present.filter(|sighting| sighting.presence == Presence::Present);
    for sighting in present {
        let node = sighting.node.as_deref()?;
        nodes.entry(node).or_default().push(sighting);
    }
    let all: usize = nodes.values().map(Vec::len).sum();
    let on = |node: &String| nodes.get(node.as_str()).map_or(0, Vec::len);
    let (idle, fewest) = usable
        .keys()
        .map(|node| (node, on(node)))
        .min_by_key(|(_, on)| *on)?;
    let crowded = nodes.iter().filter(|_| nodes.len() > 1);
    let crowded = crowded.filter(|(_, members)| members.len() > fewest + 1);
    let name = |node: &str| usable.get(node).cloned().unwrap_or_else(|| node.to_owned());
    let findings = crowded.map(|(node, members)| {
        let names = members.iter().map(|member| match &member.member {
            Some(id) => id.to_string(),
            None => member.address.to_string(),
        });
        let names: Vec<String> = names.collect();
        let what = format!(
            "{} of its {all} members run on node {}: {}. Node {} has {fewest}.",
            names.len(),
            name(node),
            names.join(", "),
            name(idle)
        );
        let service = members.iter().find_map(|member| match &member.member {
            Some(MemberId::Slot { service, .. }) => Some(service.as_str()),
            _ => None,
        });
        let service = service.unwrap_or("SERVICE");
        Finding::new(Severity::Warning, format!("cluster {}", seen.name), what)
            .why(WHY)
            .instead(format!("docker service update --force {service}"))
    });
    Some(findings.collect())
}
