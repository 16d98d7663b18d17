//! Whether members share nodes.

use super::replicas::place;
use crate::check::Check;
use crate::finding::{Finding, Severity};
use crate::stack::Ground;
use crate::stack::model::Service;

/// Whether all members are meant for one node.
fn pinned(member: &Service) -> Option<Finding> {
    let constraint = member.constraints.iter().find(|constraint| {
        let plain: String = constraint.value.split_whitespace().collect();
        ["node.hostname==", "node.id==", "node.ip=="]
            .iter()
            .any(|one| plain.starts_with(one))
    })?;
    let wanted = member.wanted().filter(|wanted| *wanted > 1)?;
    let what = format!(
        "All of its {wanted} replicas are for one node: {}.",
        constraint.value
    );
    Some(
        Finding::new(Severity::Error, member.subject(), what)
            .why("That node takes all of them along, and every copy of what they hold.")
            .instead("deploy:\n  placement:\n    preferences:\n      - spread: node.id\n# and a constraint that several nodes fulfil, such as node.labels.db == yes")
            .at(constraint.place.as_ref()),
    )
}

pub const CHECK: Check<Ground> = Check {
    name: "nodes",
    finds: "more members than nodes, or than their nodes may take",
    run: |ground| {
        let clusters = ground.some_clusters()?;
        let mut findings = Vec::new();
        for cluster in &clusters {
            findings.extend(pinned(cluster.member));
        }
        let Some(nodes) = ground.nodes else {
            return match findings.is_empty() {
                true => Err("how many nodes there are is not known; say --nodes N".into()),
                false => Ok(findings),
            };
        };
        for cluster in clusters {
            let member = cluster.member;
            if pinned(member).is_some() {
                continue;
            }
            let Some(wanted) = cluster.wanted().filter(|wanted| *wanted > nodes) else {
                continue;
            };
            let most = member.max_per_node.as_ref().map(|most| most.value);
            let room = most
                .filter(|most| *most > 0)
                .map(|most| most.saturating_mul(nodes));
            if let Some(room) = room.filter(|room| *room < wanted) {
                let what = format!("It has {wanted} replicas, and {nodes} nodes may take {room}.");
                findings.push(
                    Finding::new(Severity::Error, member.subject(), what)
                        .why("The others wait in state 'pending' for ever.")
                        .instead(format!("deploy:\n  replicas: {room}"))
                        .at(place(member)),
                );
                continue;
            }
            let copies = ground.copies(&cluster).map_or(1, |copies| copies.copies);
            let together = wanted.div_ceil(nodes);
            let severity = match together >= copies {
                true => Severity::Warning,
                false => Severity::Hint,
            };
            let what =
                format!("It has {wanted} replicas on {nodes} nodes: up to {together} on one.");
            findings.push(
                Finding::new(severity, member.subject(), what)
                    .why("A node that is lost takes all of its members along, and records whose copies all lay there.")
                    .instead(format!("deploy:\n  replicas: {nodes}"))
                    .at(place(member)),
            );
        }
        Ok(findings)
    },
};
