//! `namespaces` and `namespace/NAME`.

use crate::Cluster;
use crate::node::Node;

/// `namespaces`: their names.
pub(super) fn list(node: &Node) -> String {
    node.state().store.names().collect::<Vec<_>>().join(";")
}

/// `namespace/NAME`: what it holds here and what is still to be moved.
pub(super) fn statistics(node: &Node, name: &str) -> String {
    let state = node.state();
    let Some(namespace) = state.store.namespace(name) else {
        return "ERROR:20:unknown namespace".to_owned();
    };
    let me = node.id();
    let cluster = state.cluster().map(|cluster| &**cluster);
    let size = cluster.map_or(0, Cluster::size);
    let copies = namespace.copies().min(size);
    let objects = namespace.objects();
    let masters = cluster.map_or(0, |cluster| namespace.master_objects(cluster, me));
    let quiesced = cluster
        .map_or(&[][..], Cluster::members)
        .iter()
        .filter(|member| member.quiesced)
        .count();
    let is_quiesced = cluster
        .and_then(|cluster| cluster.member(me))
        .is_some_and(|member| member.quiesced);
    let (sending, expecting) = state.migrations(name, me);
    format!(
        "ns_cluster_size={size};effective_replication_factor={copies};objects={objects};tombstones=0;\
         master_objects={masters};prole_objects={replicas};dead_partitions=0;unavailable_partitions=0;\
         stop_writes=false;clock_skew_stop_writes=false;pending_quiesce={pending};\
         effective_is_quiesced={is_quiesced};nodes_quiesced={quiesced};\
         migrate_tx_partitions_remaining={sending};migrate_rx_partitions_remaining={expecting};\
         replication-factor={configured};storage-engine={engine}",
        replicas = objects - masters,
        pending = state.quiesce,
        configured = namespace.copies(),
        engine = if namespace.is_on_disk() {
            "device"
        } else {
            "memory"
        },
    )
}
