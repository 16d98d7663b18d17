//! Answers the other nodes' fabric requests.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use futures_util::future::join_all;
use tokio::net::{TcpListener, TcpStream};

use super::FabricClient;
use super::message::{Reply, Request};
use crate::accept::accept_all;
use crate::data::{Applied, Entry};
use crate::node::Node;
use crate::{Cluster, Member, NodeId, frame};

/// Serves the fabric port for ever.
pub(crate) async fn serve(node: Arc<Node>, listener: TcpListener) {
    accept_all(listener, |stream, _| {
        let node = Arc::clone(&node);
        async move {
            if let Err(error) = converse(&node, stream).await {
                tracing::debug!(node = %node.id(), %error, "fabric connection ended");
            }
        }
    })
    .await;
}

async fn converse(node: &Arc<Node>, mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    loop {
        let request = frame::read(&mut stream).await?;
        if node.is_isolated() {
            return Ok(());
        }
        let reply = answer(node, request).await;
        frame::write(&mut stream, &reply).await?;
    }
}

/// Does what a request asks for.
pub(crate) async fn answer(node: &Arc<Node>, request: Request) -> Reply {
    let me = node.id();
    match request {
        Request::Write { namespace, records } => write(node, &namespace, records).await,
        Request::Replicate {
            namespace,
            entries,
            informed,
        } => {
            node.state().store.replicate(&namespace, entries, &informed);
            Reply::Done
        }
        Request::Get { namespace, key } => {
            let state = node.state();
            Reply::Value(
                state
                    .store
                    .namespace(&namespace)
                    .and_then(|namespace| namespace.get(&key).cloned()),
            )
        }
        Request::Have { namespace, keys } => {
            let state = node.state();
            let Some(namespace) = state.store.namespace(&namespace) else {
                return Reply::Found(Vec::new());
            };
            let here = |(at, key): (usize, &String)| namespace.get(key).map(|_| at);
            Reply::Found(keys.iter().enumerate().filter_map(here).collect())
        }
        Request::Count { namespace } => {
            let state = node.state();
            let Some(namespace) = state.store.namespace(&namespace) else {
                return Reply::Counts(Vec::new());
            };
            Reply::Counts(
                namespace
                    .partitions()
                    .map(|(number, partition)| (number, partition.len()))
                    .collect(),
            )
        }
        Request::Offer {
            namespace,
            from,
            cluster,
            offers,
        } => {
            let mut state = node.state();
            let Some(mine) = state
                .cluster()
                .filter(|mine| mine.key() == cluster)
                .cloned()
            else {
                return Reply::OtherCluster;
            };
            let namespace = state.store.namespace_mut(&namespace);
            Reply::Same(namespace.map_or_else(Vec::new, |namespace| {
                namespace.compare(&offers, from, &mine, me)
            }))
        }
        Request::Push {
            namespace,
            from,
            cluster,
            parcels,
        } => {
            let mut state = node.state();
            if state.cluster().is_none_or(|mine| mine.key() != cluster) {
                return Reply::OtherCluster;
            }
            if let Some(namespace) = state.store.namespace_mut(&namespace) {
                namespace.accept(parcels, from);
            }
            Reply::Done
        }
    }
}

/// Written records that go to the same replicas, with their positions in the request.
#[derive(Default)]
struct Copies {
    replicas: Vec<Member>,
    entries: Vec<(usize, Entry)>,
}

/// Takes records in as their master, and has them copied before they count as written.
async fn write(node: &Arc<Node>, namespace: &str, records: Vec<(String, String)>) -> Reply {
    let mut failed = Vec::new();
    let mut copies: HashMap<Vec<NodeId>, Copies> = HashMap::new();
    {
        let mut state = node.state();
        let Some(cluster) = state.cluster().cloned() else {
            return Reply::Failed((0..records.len()).collect());
        };
        let cluster: &Cluster = &cluster;
        for (at, (key, value)) in records.into_iter().enumerate() {
            match state.store.write(cluster, node.id(), namespace, key, value) {
                Some(Applied { entry, replicas }) => {
                    let ids = replicas.iter().map(|replica| replica.id).collect();
                    let copies = copies.entry(ids).or_default();
                    copies.replicas = replicas;
                    copies.entries.push((at, entry));
                }
                None => failed.push(at),
            }
        }
    }
    let batches = copies
        .into_values()
        .map(|copies| replicate(node, namespace, copies));
    failed.extend(join_all(batches).await.into_iter().flatten());
    Reply::Failed(failed)
}

/// Sends one batch to all its replicas; returns the positions that did not arrive everywhere.
async fn replicate(node: &Arc<Node>, namespace: &str, copies: Copies) -> Vec<usize> {
    let Copies { replicas, entries } = copies;
    let (positions, entries): (Vec<usize>, Vec<Entry>) = entries.into_iter().unzip();
    let informed: Vec<NodeId> = replicas
        .iter()
        .map(|replica| replica.id)
        .chain([node.id()])
        .collect();
    let asked = join_all(replicas.iter().map(|replica| {
        let request = Request::Replicate {
            namespace: namespace.to_owned(),
            entries: entries.clone(),
            informed: informed.clone(),
        };
        FabricClient::ask(node, replica, request)
    }))
    .await;
    let mut all_arrived = true;
    for (replica, answer) in replicas.iter().zip(asked) {
        if !matches!(answer, Ok(Reply::Done)) {
            all_arrived = false;
            let keys = entries.iter().map(|entry| entry.key.as_str());
            node.state()
                .store
                .not_replicated(namespace, keys, replica.id);
        }
    }
    if all_arrived { Vec::new() } else { positions }
}
