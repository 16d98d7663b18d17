//! How many members there are, and where.

use std::collections::BTreeMap;

use meshworker_core::Presence;

use crate::doctor::Facts;
use meshworker_doctor::check::Check;
use meshworker_doctor::finding::{Finding, Severity};

pub const LIMIT: Check<Facts> = Check {
    name: "member-limit",
    finds: "more members in DNS than the database's free edition takes",
    run: |facts| {
        let clusters = facts.some_clusters()?.iter();
        let over = clusters.filter_map(|seen| {
            let limit = seen.engine.sizing.limit?;
            let listed = seen.dns.sightings.len();
            (listed > limit.members).then(|| {
                let what = format!("DNS lists {listed} members; {} takes {}.", limit.edition, limit.members);
                Finding::new(Severity::Warning, format!("cluster {}", seen.name), what)
                    .why("Those beyond the limit are not joined and hold no data. Another edition may take more.")
                    .instead(format!("docker service scale SERVICE={}", limit.members))
            })
        });
        Ok(over.collect())
    },
};

pub const TOGETHER: Check<Facts> = Check {
    name: "one-node",
    finds: "a cluster whose members all run on one node",
    run: |facts| {
        let clusters = facts.some_clusters()?.iter();
        let placed: Vec<_> = clusters
            .filter_map(|seen| Some((seen, seen.tasks.as_ref()?)))
            .collect();
        if placed.is_empty() {
            return Err("only the Docker API says where members run".into());
        }
        let mut findings = Vec::new();
        for (seen, tasks) in placed {
            let mut nodes: BTreeMap<&str, usize> = BTreeMap::new();
            let present = tasks
                .sightings
                .iter()
                .filter(|s| s.presence == Presence::Present);
            for node in present.filter_map(|sighting| sighting.node.as_deref()) {
                *nodes.entry(node).or_default() += 1;
            }
            let Some((node, members)) = nodes
                .first_key_value()
                .filter(|(_, m)| **m > 1 && nodes.len() == 1)
            else {
                continue;
            };
            let what = format!("All its {members} members run on node {node}.");
            findings.push(
                Finding::new(Severity::Warning, format!("cluster {}", seen.name), what)
                    .why("When that node is lost, so is every copy of everything.")
                    .instead("deploy:\n  placement:\n    preferences:\n      - spread: node.id"),
            );
        }
        Ok(findings)
    },
};
