//! The values of the info commands. What was recorded from a real server is given bit for bit.

mod cluster;
mod namespaces;
mod sim;
mod tips;

use std::sync::Arc;

use crate::command::Command;
use crate::node::Node;

/// What 8.1 answers as before, and counts.
const DEPRECATED: [&str; 9] = [
    "edition",
    "services-alumni",
    "services",
    "service",
    "mesh",
    "name",
    "objects",
    "version",
    "features",
];

/// Whether the node is to be one of 8.1 or later, by the build that it gives.
fn is_since_8_1(node: &Node) -> bool {
    let mut numbers = node.options.build.split('.').map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= (8, 1),
        _ => false,
    }
}

/// The value of one command.
pub(crate) async fn answer(node: &Arc<Node>, command: &Command<'_>) -> String {
    let since_8_1 = is_since_8_1(node);
    if since_8_1 && DEPRECATED.contains(&command.name) {
        node.counters.deprecated();
    }
    match command.name {
        "release" if since_8_1 => format!(
            "edition={};version={};os=debian12;arch=x86_64;sha=0",
            node.options.edition.long_name(),
            node.options.build
        ),
        "connection" if since_8_1 => "admin=false".to_owned(),
        "admin-clear-std" if since_8_1 => String::new(),
        "build" => node.options.build.clone(),
        "edition" => node.options.edition.long_name().to_owned(),
        "status" => "ok".to_owned(),
        "node" => node.id().to_string(),
        "cluster-name" => node.cluster_name(),
        "service-clear-std" => node.member().service().to_string(),
        "mesh" => node.member().heartbeat().to_string(),
        "peers-clear-std" => cluster::peers(node),
        "peers-generation" => cluster::generation(node),
        "alumni-clear-std" => cluster::alumni_list(node),
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
