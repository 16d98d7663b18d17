//! `aerospike-sim world`: many nodes in one process.

use std::net::Ipv4Addr;
use std::time::Duration;

use clap::Args;

use super::stop_signal;
use crate::{Edition, NodeOptions, SimNode, World, WorldOptions};

/// How many nodes, and where.
#[derive(Debug, Args)]
pub(super) struct WorldArgs {
    /// How many nodes
    #[arg(long, default_value_t = 1_000)]
    nodes: u32,
    /// The address of the first; the others follow
    #[arg(long, default_value = "127.10.0.1")]
    first: Ipv4Addr,
    #[arg(long, default_value = "mesh-it")]
    cluster_name: String,
    /// From a tip until the clusters are one
    #[arg(long, default_value_t = 1_100)]
    merge_delay_ms: u32,
}

/// Runs them until a signal comes.
pub(super) async fn run(args: WorldArgs) -> anyhow::Result<()> {
    let merge_delay = Duration::from_millis(args.merge_delay_ms.into());
    let world = World::new(WorldOptions {
        merge_delay,
        ..WorldOptions::default()
    });
    let mut nodes = Vec::new();
    for number in 0..args.nodes {
        let address = Ipv4Addr::from_bits(args.first.to_bits() + number);
        let mut options = NodeOptions::at(address.into());
        options.edition = Edition::Enterprise;
        options.cluster_name.clone_from(&args.cluster_name);
        nodes.push(SimNode::start_in(&world, options).await?);
    }
    tracing::info!(nodes = nodes.len(), first = %args.first, "ready");
    stop_signal().await
}
