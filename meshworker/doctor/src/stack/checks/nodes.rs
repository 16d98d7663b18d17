//! Whether members share nodes.

use super::replicas::place;
use crate::check::Check;
use crate::finding::{Finding, Severity};
use crate::stack::Ground;

pub const CHECK: Check<Ground> = Check {
    name: "nodes",
    finds: "more members than nodes, or than their nodes may take",
    run: |ground| {
        let clusters = ground.some_clusters()?;
        let nodes = ground
            .nodes
            .ok_or("how many nodes there are is not known; say --nodes N")?;
        let mut findings = Vec::new();
        for cluster in clusters {
            let member = cluster.member;
            let Some(wanted) = member.wanted().filter(|wanted| *wanted > nodes) else {
                continue;
            };
            let most = member.max_per_node.as_ref().map(|most| most.value);
            let room = most.filter(|most| *most > 0).map(|most| most * nodes);
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
