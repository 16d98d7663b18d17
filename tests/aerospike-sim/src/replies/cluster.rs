//! Commands about the cluster as a whole.

use std::net::IpAddr;
use std::sync::Arc;

use crate::command::Command;
use crate::node::Node;
use crate::state::Stability;
use crate::{Cluster, Edition, NodeId};

/// The reply of a Community server to what only Enterprise has.
const ENTERPRISE_ONLY: &str = "ERROR:25:enterprise only";

/// `peers-clear-std`: generation, default port, peers.
pub(super) fn peers(node: &Node) -> String {
    let state = node.state();
    let default_port = node.options.service_port;
    let list = state.cluster().map_or_else(String::new, |cluster| {
        cluster.texts().peers(node.id(), default_port)
    });
    format!("{},{default_port},[{list}]", state.peers_generation())
}

/// `peers-generation`: grows with each peer that comes or goes.
pub(super) fn generation(node: &Node) -> String {
    node.state().peers_generation().to_string()
}

/// `alumni-clear-std`: the same as [`peers`], and those that were peers once.
pub(super) fn alumni_list(node: &Node) -> String {
    let state = node.state();
    let default_port = node.options.service_port;
    let list = state.cluster().map_or_else(String::new, |cluster| {
        cluster.texts().peers(node.id(), default_port)
    });
    let living = |id: NodeId| state.peers(node.id()).any(|peer| peer.id == id);
    let gone = state.departed().filter(|(_, id)| !living(*id));
    let gone = gone.map(|(service, id)| match service.port() {
        port if port == default_port => format!("[{id},,[{}]]", bracketed(service.ip())),
        _ => format!("[{id},,[{service}]]"),
    });
    let list: Vec<String> = std::iter::once(list)
        .filter(|list| !list.is_empty())
        .chain(gone)
        .collect();
    format!(
        "{},{default_port},[{}]",
        state.peers_generation(),
        list.join(",")
    )
}

fn bracketed(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("[{v6}]"),
    }
}

/// `services-alumni`: every peer ever seen since the last reset.
pub(super) fn alumni(node: &Node) -> String {
    node.state().alumni_text(node.id())
}

/// `statistics`, as far as a worker reads them.
pub(super) fn statistics(node: &Node) -> String {
    let cluster = node.cluster();
    let cluster: Option<&Cluster> = cluster.as_deref();
    let size = cluster.map_or(0, Cluster::size);
    let key = cluster.map_or_else(|| "0".to_owned(), |cluster| cluster.key().to_string());
    let principal = cluster
        .and_then(Cluster::principal)
        .map_or_else(|| "0".to_owned(), |principal| principal.to_string());
    let formed = cluster.is_some();
    let (mut objects, mut remaining) = (0, 0);
    {
        let state = node.state();
        for name in state.store.names() {
            let (sending, expecting) = state.migrations(name, node.id());
            remaining += sending + expecting;
            objects += state
                .store
                .namespace(name)
                .map_or(0, |namespace| namespace.objects());
        }
    }
    let since_8_1 = if super::is_since_8_1(node) {
        format!(
            ";deprecated_requests={}",
            node.counters.snapshot().deprecated
        )
    } else {
        String::new()
    };
    format!(
        "failed_best_practices=false;cluster_size={size};cluster_key={key};cluster_generation={generation};\
         cluster_principal={principal};cluster_integrity={formed};cluster_is_member={formed};\
         cluster_duplicate_nodes=null;cluster_clock_skew_stop_writes_sec=0;cluster_clock_skew_ms=0;\
         cluster_clock_skew_outliers=null;uptime={uptime};objects={objects};tombstones=0;\
         migrate_allowed={formed};migrate_partitions_remaining={remaining}{since_8_1}",
        // Every cluster that is formed has a key of its own, and is the first generation under that key.
        generation = u8::from(formed),
        uptime = node.started().elapsed().as_secs(),
    )
}

/// `cluster-stable:size=N;ignore-migrations=BOOL`: the key, when everything is in its place.
pub(super) fn stable(node: &Node, command: &Command<'_>) -> String {
    let Ok(size) = command.parsed::<usize>("size").transpose() else {
        return "ERROR:4:bad 'size'".to_owned();
    };
    let Ok(ignore_migrations) = command.parsed::<bool>("ignore-migrations").transpose() else {
        return "ERROR:4:bad 'ignore-migrations'".to_owned();
    };
    let (cluster, migrating): (Arc<Cluster>, bool) = match node
        .state()
        .stability(node.id(), node.shared_world)
    {
        Stability::Stable(cluster) => (cluster, false),
        Stability::Migrating(cluster) => (cluster, true),
        Stability::Unformed | Stability::Unsettled => return "ERROR:7:unstable cluster".to_owned(),
    };
    if size.is_some_and(|size| size != cluster.size()) {
        return "ERROR:7:cluster not specified size".to_owned();
    }
    if migrating && !ignore_migrations.unwrap_or(false) {
        return "ERROR:7:unstable cluster".to_owned();
    }
    cluster.key().to_string()
}

/// `recluster:`; only the principal acts on it.
pub(super) fn recluster(node: &Node) -> String {
    {
        let mut state = node.state();
        if state
            .cluster()
            .is_some_and(|cluster| cluster.principal() != Some(node.id()))
        {
            return "ignored-by-non-principal".to_owned();
        }
        state.recluster = true;
    }
    node.wake.notify_one();
    "ok".to_owned()
}

/// `get-config:context=network`, as far as a worker reads it.
pub(super) fn get_config(node: &Node, command: &Command<'_>) -> String {
    if command.param("context") != Some("network") {
        return "ERROR:4:bad context".to_owned();
    }
    let protocol = if node.heartbeats() { "v3" } else { "none" };
    let interval = node.options.interval.as_millis();
    let timeout = node.options.timeout;
    format!(
        "heartbeat.interval={interval};heartbeat.timeout={timeout};heartbeat.protocol={protocol}"
    )
}

/// `set-config:context=network;heartbeat.protocol=none` or `v3`: leaves the mesh, and comes back. Nothing else can be set.
pub(super) fn set_config(node: &Node, command: &Command<'_>) -> String {
    let protocol = command.param("heartbeat.protocol");
    let on = match (command.param("context"), protocol) {
        (Some("network"), Some("none")) => false,
        (Some("network"), Some("v3")) => true,
        _ => return "ERROR:4:bad config".to_owned(),
    };
    node.set_heartbeats(on);
    "ok".to_owned()
}

/// `quiesce:` and `quiesce-undo:`; they take effect when the cluster is next formed.
pub(super) fn quiesce(node: &Node, wanted: bool) -> String {
    if node.options.edition == Edition::Community {
        return ENTERPRISE_ONLY.to_owned();
    }
    node.state().quiesce = wanted;
    node.wake.notify_one();
    "ok".to_owned()
}
