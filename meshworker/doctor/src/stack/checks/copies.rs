//! Whether there are members enough for every copy.

use super::replicas::place;
use crate::check::Check;
use crate::finding::{Finding, Severity};
use crate::stack::Ground;

pub const CHECK: Check<Ground> = Check {
    name: "copies",
    finds: "fewer members than it takes to keep each record as often as configured, or no second copy",
    run: |ground| {
        let clusters = ground.some_clusters()?;
        let known: Vec<_> = clusters
            .iter()
            .filter_map(|cluster| Some((cluster, ground.copies(cluster)?)))
            .collect();
        if known.is_empty() {
            return Err("nothing that could be read says how often records are kept; the members' configuration does, as a config of the stack with file:".into());
        }
        let mut findings = Vec::new();
        for (cluster, copies) in known {
            let member = cluster.member;
            let Some(wanted) = cluster.wanted().or(ground.nodes) else {
                continue;
            };
            let finding = |what: String| {
                Finding::new(Severity::Warning, member.subject(), what)
                    .why("What lies on one member alone is gone when that member, or its node, is lost.")
                    .at(place(member))
            };
            if copies.copies < 2 {
                findings.push(
                    finding(format!("Records are kept once ({}).", copies.because))
                        .instead("a second copy of each record, in the database's or the worker's configuration"),
                );
            } else if wanted < copies.members {
                let what = format!(
                    "It has {wanted} replicas; to keep each record as often as configured ({}) takes {}.",
                    copies.because, copies.members
                );
                findings.push(
                    finding(what).instead(format!("deploy:\n  replicas: {}", copies.members)),
                );
            }
        }
        Ok(findings)
    },
};
