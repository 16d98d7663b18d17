//! What is wrong with a cluster, by orchestrator's codes.

use serde::Serialize;

use super::Cluster;
use super::instance::{Key, master, replicas};
use crate::status::MemberStatus;

/// What is wrong, in orchestrator's words.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Analysis {
    analyzed_instance_key: Key,
    analyzed_instance_master_key: Key,
    cluster_details: Details,
    analysis: &'static str,
    description: String,
    is_master: bool,
    last_check_valid: bool,
    count_replicas: usize,
    count_valid_replicas: usize,
    count_valid_replicating_replicas: usize,
    structure_analysis: Vec<&'static str>,
    is_actionable_recovery: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Details {
    cluster_name: String,
    cluster_alias: String,
    count_instances: usize,
    has_automated_master_recovery: bool,
    has_automated_intermediate_master_recovery: bool,
}

/// What is wrong with a cluster; none where nothing is.
pub fn of(cluster: &Cluster) -> Option<Analysis> {
    let status = &cluster.status;
    let writable = status.primary().ok();
    let analyzed = writable.or_else(|| gone(cluster))?;
    let below = replicas(cluster, analyzed);
    let valid: Vec<&&MemberStatus> = below.iter().filter(|one| one.view.is_some()).collect();
    let hear = valid.iter().filter(|one| is_connected(one)).count();
    let structure = structure(cluster);
    let code = match (writable.is_some(), below.len(), valid.len(), hear) {
        (false, 0, ..) => "DeadMasterWithoutReplicas",
        (false, _, 0, _) => "DeadMasterAndReplicas",
        (false, _, _, 1..) => "UnreachableMaster",
        (false, all, valid, 0) if valid < all => "DeadMasterAndSomeReplicas",
        (false, ..) => "DeadMaster",
        (true, 0, ..) => "MasterWithoutReplicas",
        (true, 1, _, 0) => "MasterSingleReplicaNotReplicating",
        (true, _, _, 0) => "AllMasterReplicasNotReplicating",
        (true, ..) if !structure.is_empty() => "NoProblem",
        (true, ..) => return None,
    };
    Some(Analysis {
        analyzed_instance_key: cluster.key(analyzed),
        analyzed_instance_master_key: master(cluster, analyzed)
            .map_or_else(Key::none, |it| cluster.key(it)),
        cluster_details: details(cluster),
        analysis: code,
        description: status.unity.clone(),
        is_master: true,
        last_check_valid: analyzed.view.is_some(),
        count_replicas: below.len(),
        count_valid_replicas: valid.len(),
        count_valid_replicating_replicas: hear,
        structure_analysis: structure,
        is_actionable_recovery: writable.is_none(),
    })
}

/// A cluster in some words.
pub fn info(cluster: &Cluster) -> impl Serialize {
    details(cluster)
}

fn details(cluster: &Cluster) -> Details {
    let status = &cluster.status;
    Details {
        cluster_name: status.name.clone(),
        cluster_alias: status.name.clone(),
        count_instances: status.members.len(),
        has_automated_master_recovery: !status.mode.dry_run && status.mode.held.is_none(),
        has_automated_intermediate_master_recovery: false,
    }
}

/// Who was the primary: whoever others follow, or else does not answer.
fn gone(cluster: &Cluster) -> Option<&MemberStatus> {
    let members = &cluster.status.members;
    let followed = members.iter().find_map(|one| master(cluster, one));
    followed.or_else(|| members.iter().find(|one| one.view.is_none()))
}

fn is_connected(member: &MemberStatus) -> bool {
    let view = member.view.as_ref();
    let source = view.and_then(|view| view.replication.as_ref()?.source.as_ref());
    source.is_some_and(|source| source.connected)
}

fn structure(cluster: &Cluster) -> Vec<&'static str> {
    let refusals = &cluster.status.plan.refusals;
    let parted = refusals.iter().any(|one| one.kind == "foreign_cluster");
    let primaries = cluster.status.members.iter();
    let primaries = primaries.filter(|one| one.view.as_ref().is_some_and(|view| view.primary));
    let several = primaries.count() > 1;
    let found = [
        parted.then_some("ErrantGTIDStructureWarning"),
        several.then_some("MultipleWriteableMastersStructureWarning"),
    ];
    found.into_iter().flatten().collect()
}
