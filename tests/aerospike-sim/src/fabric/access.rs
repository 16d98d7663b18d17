//! Reads and writes for clients: the node that was asked finds the nodes that have or take the records.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use thiserror::Error;
use tokio::time::{Instant, sleep};

use super::FabricClient;
use super::message::{Reply, Request};
use crate::data::{Record, partition_of};
use crate::node::Node;
use crate::{Cluster, Member, NodeId};

/// How many records go in one request: large enough that round trips do not matter, small enough that no frame is large.
const BATCH: usize = 500;
/// The pause before what failed is tried again, for the cluster to change.
const RETRY: Duration = Duration::from_millis(50);

/// Why records could not be read.
#[derive(Debug, Error)]
pub(crate) enum AccessError {
    #[error("no cluster yet")]
    NoCluster,
    #[error("a member does not answer")]
    Unreachable(#[from] io::Error),
}

/// Writes records and returns how many were written to all their owners before the deadline.
pub(crate) async fn put(
    node: &Arc<Node>,
    namespace: &str,
    records: Vec<(String, String)>,
    deadline: Instant,
) -> usize {
    let total = records.len();
    let mut left = records;
    loop {
        if let Some(cluster) = node.cluster() {
            left = put_once(node, &cluster, namespace, left).await;
        }
        if left.is_empty() || Instant::now() + RETRY >= deadline {
            return total - left.len();
        }
        sleep(RETRY).await;
    }
}

/// One attempt; returns the records that were not written.
async fn put_once(
    node: &Arc<Node>,
    cluster: &Cluster,
    namespace: &str,
    records: Vec<(String, String)>,
) -> Vec<(String, String)> {
    let mut by_master: HashMap<NodeId, (Member, Vec<(String, String)>)> = HashMap::new();
    for (key, value) in records {
        if let Some(master) = cluster.owners(partition_of(&key), 1).next() {
            by_master
                .entry(master.id)
                .or_insert_with(|| (*master, Vec::new()))
                .1
                .push((key, value));
        }
    }
    let sent = by_master.into_values().map(|(master, records)| async move {
        let mut unwritten = Vec::new();
        for batch in records.chunks(BATCH) {
            let request = Request::Write {
                namespace: namespace.to_owned(),
                records: batch.to_vec(),
            };
            match FabricClient::ask(node, &master, request).await {
                Ok(Reply::Failed(failed)) => {
                    unwritten.extend(failed.into_iter().filter_map(|at| batch.get(at).cloned()));
                }
                _ => unwritten.extend_from_slice(batch),
            }
        }
        unwritten
    });
    join_all(sent).await.into_iter().flatten().collect()
}

/// The newest record under a key anywhere in the cluster.
pub(crate) async fn get(
    node: &Arc<Node>,
    namespace: &str,
    key: &str,
    deadline: Instant,
) -> Result<Option<Record>, AccessError> {
    let ask = || Request::Get {
        namespace: namespace.to_owned(),
        key: key.to_owned(),
    };
    let replies = everybody(node, ask, deadline).await?;
    let records = replies.into_iter().filter_map(|reply| match reply {
        Reply::Value(value) => value,
        _ => None,
    });
    Ok(records.max_by_key(|record| record.version))
}

/// How many of these keys exist anywhere in the cluster.
pub(crate) async fn check(
    node: &Arc<Node>,
    namespace: &str,
    keys: Vec<String>,
    deadline: Instant,
) -> Result<usize, AccessError> {
    let mut found = 0;
    for batch in keys.chunks(BATCH) {
        let ask = || Request::Have {
            namespace: namespace.to_owned(),
            keys: batch.to_vec(),
        };
        let mut seen = vec![false; batch.len()];
        for reply in everybody(node, ask, deadline).await? {
            let Reply::Found(positions) = reply else {
                continue;
            };
            for at in positions {
                if let Some(seen) = seen.get_mut(at) {
                    *seen = true;
                }
            }
        }
        found += seen.into_iter().filter(|seen| *seen).count();
    }
    Ok(found)
}

/// How many different records the cluster holds; exact once migrations are over.
pub(crate) async fn count(
    node: &Arc<Node>,
    namespace: &str,
    deadline: Instant,
) -> Result<usize, AccessError> {
    let ask = || Request::Count {
        namespace: namespace.to_owned(),
    };
    let mut most: HashMap<u16, usize> = HashMap::new();
    for reply in everybody(node, ask, deadline).await? {
        let Reply::Counts(counts) = reply else {
            continue;
        };
        for (partition, count) in counts {
            let slot = most.entry(partition).or_default();
            *slot = count.max(*slot);
        }
    }
    Ok(most.into_values().sum())
}

/// Asks all members, again and again until all have answered: while records move, any of them may have the only copy.
async fn everybody(
    node: &Arc<Node>,
    ask: impl Fn() -> Request,
    deadline: Instant,
) -> Result<Vec<Reply>, AccessError> {
    loop {
        let result = match node.cluster() {
            None => Err(AccessError::NoCluster),
            Some(cluster) => {
                let asked = cluster
                    .members()
                    .iter()
                    .map(|member| FabricClient::ask(node, member, ask()));
                join_all(asked)
                    .await
                    .into_iter()
                    .collect::<io::Result<Vec<Reply>>>()
                    .map_err(AccessError::from)
            }
        };
        match result {
            Err(_) if Instant::now() + RETRY < deadline => sleep(RETRY).await,
            settled => return settled,
        }
    }
}
