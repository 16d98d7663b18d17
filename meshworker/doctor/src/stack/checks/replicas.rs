//! How many members there are: enough to form a cluster, not more than it takes.

use std::collections::BTreeMap;

use crate::check::Check;
use crate::finding::{Finding, Severity};
use crate::stack::model::Service;
use crate::stack::{Ground, Watched};

pub const CHECK: Check<Ground> = Check {
    name: "replicas",
    finds: "fewer members than the database needs to form a cluster; members without slots",
    run: |ground| {
        let mut findings = Vec::new();
        for cluster in ground.some_clusters()? {
            let member = cluster.member;
            let Some(wanted) = cluster.wanted() else {
                let place = member.mode.as_ref().and_then(|mode| mode.place.as_ref());
                findings.push(
                    Finding::new(Severity::Warning, member.subject(), "It runs once on every node.")
                        .why("Such replicas have no slots, so a member is known by its address alone; each node that joins or leaves the swarm changes the cluster.")
                        .instead("deploy:\n  mode: replicated\n  replicas: 3\n  placement:\n    max_replicas_per_node: 1")
                        .at(place.or(member.place.as_ref())),
                );
                continue;
            };
            let Some(engine) = cluster.engine() else {
                continue;
            };
            let waits = cluster.setting("option.initial-members");
            let waits =
                waits.and_then(|said| Some((said.value.trim().parse::<usize>().ok()?, said.place)));
            if let Some((first, place)) = waits.filter(|(first, _)| *first > wanted) {
                let what = format!(
                    "It has {wanted} replicas, and its worker waits for {first} before it forms the cluster."
                );
                findings.push(
                    Finding::new(Severity::Error, member.subject(), what)
                        .why("The cluster is never formed: no slot is dealt out.")
                        .instead(format!("MESHWORKER_OPTION_INITIAL_MEMBERS: \"{wanted}\""))
                        .at(place.as_ref().or(member.place.as_ref())),
                );
            }
            let fewest = engine.sizing.min_members;
            if wanted >= fewest {
                continue;
            }
            let what = format!(
                "It has {wanted} of the {fewest} replicas that {} needs.",
                engine.title
            );
            findings.push(
                Finding::new(Severity::Error, member.subject(), what)
                    .why("The cluster is never formed. `docker stack deploy` also shrinks a running one to this number.")
                    .instead(format!("deploy:\n  replicas: {fewest}"))
                    .at(place(member)),
            );
        }
        Ok(findings)
    },
};

pub const LIMIT: Check<Ground> = Check {
    name: "edition-limit",
    finds: "more members than the database's free edition takes",
    run: |ground| {
        ground.of_each_cluster(|cluster| {
            let member = cluster.member;
            let limit = cluster.engine().and_then(|engine| engine.sizing.limit);
            let (Some(limit), Some(wanted)) = (limit, cluster.wanted().or(ground.nodes)) else {
                return None;
            };
            if wanted <= limit.members {
                return None;
            }
            let what = format!(
                "It has {wanted} replicas; {} takes {}.",
                limit.edition, limit.members
            );
            Some(
                Finding::new(Severity::Warning, member.subject(), what)
                    .why("Those beyond the limit are not joined and hold no data. Another edition may take more.")
                    .instead(format!("deploy:\n  replicas: {}", limit.members))
                    .at(place(member)),
            )
        })
    },
};

pub const ALONE: Check<Ground> = Check {
    name: "service-per-member",
    finds: "a service for each member, where one service could have all of them",
    run: |ground| {
        let mut alone: BTreeMap<&str, Vec<Watched<'_>>> = BTreeMap::new();
        for cluster in ground.clusters().filter(Watched::is_alone) {
            if let Some(engine) = cluster.engine() {
                alone.entry(engine.name).or_default().push(cluster);
            }
        }
        Ok(alone
            .into_values()
            .filter_map(|alone| together(&alone))
            .collect())
    },
};

/// Members of one database, each in a service of its own.
fn together(alone: &[Watched<'_>]) -> Option<Finding> {
    let first = alone.first().filter(|_| alone.len() > 1)?;
    let names: Vec<&str> = alone
        .iter()
        .map(|cluster| cluster.member.name.as_str())
        .collect();
    let what = format!(
        "{} have one replica each, and are one cluster, it seems.",
        names.join(", ")
    );
    Some(
        Finding::new(Severity::Hint, first.member.subject(), what)
            .why("One service with several replicas is less to write and to run: with one service each, every member needs a name, a volume and an update of its own, and an update of one waits for no other. A worker looks after both: where they stay several, name all of them in its MESHWORKER_SERVICENAME, with commas between.")
            .instead(format!("deploy:\n  replicas: {}\n  endpoint_mode: dnsrr", names.len()))
            .at(first.member.place.as_ref()),
    )
}

/// Where the number of replicas stands.
pub fn place(member: &Service) -> Option<&crate::finding::Place> {
    let replicas = member.replicas.as_ref();
    replicas
        .map_or(&member.place, |replicas| &replicas.place)
        .as_ref()
}
