//! A member, as orchestrator has instances.

use std::fmt;
use std::net::SocketAddr;

use serde::Serialize;

use super::Cluster;
use crate::status::{MemberStatus, RefusalStatus, ReplicationStatus};

/// Where an instance is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Key {
    hostname: String,
    port: u16,
}

/// A number that may be unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Maybe {
    int64: u64,
    valid: bool,
}

/// What scripts read of an instance, under orchestrator's names.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Instance {
    key: Key,
    instance_alias: String,
    #[serde(rename = "ServerID")]
    server_id: u64,
    read_only: bool,
    master_key: Key,
    replicas: Vec<Key>,
    /// Orchestrator's older name of the same.
    slave_hosts: Vec<Key>,
    is_detached: bool,
    #[serde(rename = "Slave_IO_Running")]
    receives: bool,
    #[serde(rename = "Slave_SQL_Running")]
    applies: bool,
    #[serde(rename = "ReplicationIOThreadRuning")]
    receives_too: bool,
    #[serde(rename = "ReplicationSQLThreadRuning")]
    applies_too: bool,
    #[serde(rename = "UsingMariaDBGTID")]
    using_mariadb_gtid: bool,
    gtid_position: String,
    last_io_error: String,
    seconds_behind_master: Maybe,
    slave_lag_seconds: Maybe,
    replication_lag_seconds: Maybe,
    replication_depth: usize,
    cluster_name: String,
    suggested_cluster_alias: String,
    is_last_check_valid: bool,
    is_up_to_date: bool,
    is_recently_checked: bool,
    /// Why it has no say, and what is not done for it.
    problems: Vec<String>,
}

impl Key {
    /// Where a member is, as the API has its address; `usual` is the port that it does not say.
    pub fn of(address: &str, usual: u16) -> Key {
        match address.parse::<SocketAddr>() {
            Ok(place) => Key {
                hostname: place.ip().to_string(),
                port: place.port(),
            },
            Err(_) => Key {
                hostname: address.to_owned(),
                port: usual,
            },
        }
    }

    /// Nowhere.
    pub fn none() -> Key {
        Key {
            hostname: String::new(),
            port: 0,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.hostname, self.port)
    }
}

impl Maybe {
    fn of(number: Option<u64>) -> Maybe {
        Maybe {
            int64: number.unwrap_or(0),
            valid: number.is_some(),
        }
    }
}

impl Instance {
    /// A member of a cluster.
    pub fn of(cluster: &Cluster, member: &MemberStatus) -> Instance {
        let view = member.view.as_ref();
        let replication = view.and_then(|view| view.replication.as_ref());
        let source = replication.and_then(|replication| replication.source.as_ref());
        let behind = Maybe::of(source.and_then(|source| source.behind_seconds));
        let replicas: Vec<Key> = (replicas(cluster, member).iter())
            .map(|replica| cluster.key(replica))
            .collect();
        let (receives, applies) = (
            source.is_some_and(|source| source.connected),
            source.is_some_and(|source| source.applies),
        );
        Instance {
            key: cluster.key(member),
            instance_alias: member.id.clone(),
            server_id: view.and_then(|view| view.node.parse().ok()).unwrap_or(0),
            read_only: view.is_none_or(|view| !view.primary),
            master_key: master(cluster, member).map_or_else(Key::none, |it| cluster.key(it)),
            slave_hosts: replicas.clone(),
            replicas,
            is_detached: false,
            receives,
            applies,
            receives_too: receives,
            applies_too: applies,
            using_mariadb_gtid: cluster.status.engine == "mariadb",
            gtid_position: replication.map_or("", position).to_owned(),
            last_io_error: source
                .and_then(|source| source.error.clone())
                .unwrap_or_default(),
            seconds_behind_master: behind,
            slave_lag_seconds: behind,
            replication_lag_seconds: behind,
            replication_depth: usize::from(master(cluster, member).is_some()),
            cluster_name: cluster.status.name.clone(),
            suggested_cluster_alias: cluster.status.name.clone(),
            is_last_check_valid: view.is_some(),
            is_up_to_date: view.is_some(),
            is_recently_checked: true,
            problems: problems(cluster, member),
        }
    }

    /// Whether anything is wrong with it.
    pub fn has_problems(&self) -> bool {
        !self.problems.is_empty()
    }
}

fn position(replication: &ReplicationStatus) -> &str {
    &replication.position
}

/// Whom it copies from, if that is a member.
pub fn master<'a>(cluster: &'a Cluster, member: &MemberStatus) -> Option<&'a MemberStatus> {
    let follows = member.view.as_ref()?.follows.as_ref()?;
    let mut members = cluster.status.members.iter();
    members.find(|one| one.id == *follows && one.address != member.address)
}

/// Who copies from it.
pub fn replicas<'a>(cluster: &'a Cluster, member: &MemberStatus) -> Vec<&'a MemberStatus> {
    let members = cluster.status.members.iter();
    let below = members.filter(|one| {
        let master = master(cluster, one);
        master.is_some_and(|master| master.address == member.address)
    });
    below.collect()
}

/// Why it does not answer, what keeps it from being in step, and what is not done for it.
fn problems(cluster: &Cluster, member: &MemberStatus) -> Vec<String> {
    let working = member.view.as_ref().and_then(|view| view.working.clone());
    let refusals = cluster.status.plan.refusals.iter();
    let refusals = refusals.filter(|one| one.members.contains(&member.id));
    let refused = |RefusalStatus { what, reason, .. }: &RefusalStatus| format!("{what}: {reason}");
    let own = member.unanswered.iter().cloned().chain(working);
    own.chain(refusals.map(refused)).collect()
}
