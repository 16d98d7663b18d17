//! What the tests share: a block of addresses, and nodes started on it.

use std::time::Duration;

use aerospike_sim::testing::{Loopback, wait_for};
use aerospike_sim::{NodeOptions, SimNode, info};

/// Far more than anything takes: only a broken simulator waits so long, however busy the machine is.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Nodes on addresses of their own.
pub struct Field {
    pub loopback: Loopback,
}

impl Field {
    pub fn new() -> Self {
        Self {
            loopback: Loopback::claim().unwrap(),
        }
    }

    pub fn options(&self, number: u16) -> NodeOptions {
        NodeOptions::at(self.loopback.address(number))
    }

    /// The options of a node that forms its first cluster sooner, where that is not what is tested.
    pub fn quick_options(&self, number: u16) -> NodeOptions {
        NodeOptions {
            first_round: Duration::from_millis(300),
            ..self.options(number)
        }
    }

    pub async fn start(&self, number: u16) -> SimNode {
        SimNode::start(self.options(number)).await.unwrap()
    }

    pub async fn start_quick(&self, number: u16) -> SimNode {
        SimNode::start(self.quick_options(number)).await.unwrap()
    }

    pub async fn start_many_quick(&self, numbers: std::ops::Range<u16>) -> Vec<SimNode> {
        let mut nodes = Vec::new();
        for number in numbers {
            nodes.push(self.start_quick(number).await);
        }
        nodes
    }

    pub async fn start_many(&self, numbers: std::ops::Range<u16>) -> Vec<SimNode> {
        let mut nodes = Vec::new();
        for number in numbers {
            nodes.push(self.start(number).await);
        }
        nodes
    }
}

/// Asks one command.
pub async fn ask(node: &SimNode, command: &str) -> String {
    info(node.service(), command).await.unwrap()
}

/// Tips a node to another one.
pub async fn tip(node: &SimNode, other: &SimNode) {
    assert_eq!(ask(node, &tip_command(other)).await, "ok");
}

pub fn tip_command(other: &SimNode) -> String {
    format!(
        "tip:host={};port={}",
        other.heartbeat().ip(),
        other.heartbeat().port()
    )
}

pub fn clear_command(other: &SimNode) -> String {
    format!("tip-clear:host-port-list={}", other.heartbeat())
}

/// The value of one item of a `k=v;k=v` list.
pub fn item<'a>(list: &'a str, key: &str) -> &'a str {
    list.split(';')
        .find_map(|item| item.strip_prefix(key)?.strip_prefix('='))
        .unwrap_or_else(|| panic!("no {key} in {list}"))
}

/// What every node says of its cluster: size and key, over the wire.
pub async fn standings(nodes: &[SimNode]) -> Vec<(usize, String)> {
    let mut all = Vec::new();
    for node in nodes {
        let statistics = ask(node, "statistics").await;
        all.push((
            item(&statistics, "cluster_size").parse().unwrap(),
            item(&statistics, "cluster_key").to_owned(),
        ));
    }
    all
}

/// Waits until these nodes are one cluster of this size; returns its key.
pub async fn one_cluster(nodes: &[SimNode], size: usize) -> String {
    let is_one = |all: &Vec<(usize, String)>| {
        all.iter()
            .all(|(seen, key)| *seen == size && *key == all[0].1)
    };
    let all = wait_for(
        &format!("one cluster of {size}"),
        PATIENCE,
        async || standings(nodes).await,
        is_one,
    )
    .await;
    all.unwrap().swap_remove(0).1
}

/// Waits until nothing is left to migrate.
pub async fn settled(nodes: &[SimNode]) -> String {
    let size = nodes.len();
    let command = format!("cluster-stable:size={size};ignore-migrations=false");
    let look = async || {
        let mut all = Vec::new();
        for node in nodes {
            all.push(ask(node, &command).await);
        }
        all
    };
    let same = |all: &Vec<String>| {
        all.iter()
            .all(|key| !key.starts_with("ERROR") && *key == all[0])
    };
    wait_for("no migrations left", PATIENCE, look, same)
        .await
        .unwrap()
        .swap_remove(0)
}

/// Joins all nodes into one cluster, everybody tipped at the first.
pub async fn form(nodes: &[SimNode]) -> String {
    for other in &nodes[1..] {
        tip(&nodes[0], other).await;
    }
    one_cluster(nodes, nodes.len()).await
}
