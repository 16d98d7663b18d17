//! The values of the info commands. What was recorded from a real server is given bit for bit.

mod cluster;
mod namespaces;
mod sim;
mod tips;

use std::sync::Arc;

use crate::command::Command;
use crate::node::Node;

/// The value of one command.
pub(crate) async fn answer(node: &Arc<Node>, command: &Command<'_>) -> String {
    match command.name {
        "build" => node.options.build.clone(),
        "edition" => node.options.edition.long_name().to_owned(),
        "status" => "ok".to_owned(),
        "node" => node.id().to_string(),
        "cluster-name" => node.cluster_name(),
        "service-clear-std" => node.member().service().to_string(),
        "mesh" => node.member().heartbeat().to_string(),
        "peers-clear-std" => cluster::peers(node),
        "services-alumni" => cluster::alumni(node),
        "services-alumni-reset" => {
            node.state().reset_alumni();
            "ok".to_owned()
        }
        "statistics" => cluster::statistics(node),
        "cluster-stable" => cluster::stable(node, command),
        "recluster" => cluster::recluster(node),
        "get-config" => cluster::get_config(node, command),
        "set-config" => cluster::set_config(node, command),
        "quiesce" => cluster::quiesce(node, true),
        "quiesce-undo" => cluster::quiesce(node, false),
        "tip" => tips::tip(node, command),
        "tip-clear" => tips::tip_clear(node, command),
        "namespaces" => namespaces::list(node),
        name if name.starts_with("sim-") => sim::answer(node, command).await,
        name => match name.strip_prefix("namespace/") {
            Some(namespace) => namespaces::statistics(node, namespace),
            None => unrecognized(),
        },
    }
}

fn unrecognized() -> String {
    "ERROR:4:unrecognized command".to_owned()
}
