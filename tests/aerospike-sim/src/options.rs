//! How a node is to be: everything it needs to know before it starts.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use crate::{Edition, Member, Misbehaviour, NodeId, Seed};

/// The options of one node. Start from [`NodeOptions::at`] and change what differs.
#[derive(Clone, Debug)]
pub struct NodeOptions {
    /// The address that clients and peers are told.
    pub address: IpAddr,
    /// Listen on every interface instead of on `address` alone: in a container, so that its own health check can use 127.0.0.1.
    pub bind_any: bool,
    /// The info port.
    pub service_port: u16,
    /// The port for records, and the beginning of the node's id.
    pub fabric_port: u16,
    /// The heartbeat port.
    pub heartbeat_port: u16,
    /// Only nodes of the same name form a cluster.
    pub cluster_name: String,
    /// Community or Enterprise.
    pub edition: Edition,
    /// The version that `build` returns.
    pub build: String,
    /// How often heartbeats are sent.
    pub interval: Duration,
    /// After how many missing heartbeats a node counts as dead.
    pub timeout: u32,
    /// Seeds known from the start.
    pub seeds: Vec<Seed>,
    /// Namespaces and their replication factors.
    pub namespaces: Vec<(String, usize)>,
    /// The files in which namespaces keep their records; all others keep them in memory.
    pub files: Vec<(String, PathBuf)>,
    /// From the start until the ports are open.
    pub port_delay: Duration,
    /// From the start until the first clustering round.
    pub first_round: Duration,
    /// How many partitions a node sends away per second while migrating; 0 pauses migrations.
    pub migrate_rate: u32,
    /// What the node does wrong from the start.
    pub misbehaviour: Misbehaviour,
}

impl NodeOptions {
    /// A node as it was recorded, at this address.
    #[must_use]
    pub fn at(address: IpAddr) -> Self {
        Self {
            address,
            bind_any: false,
            service_port: 3000,
            fabric_port: 3001,
            heartbeat_port: 3002,
            cluster_name: "mesh-it".to_owned(),
            edition: Edition::Community,
            build: "8.0.0.15".to_owned(),
            interval: Duration::from_millis(150),
            timeout: 10,
            seeds: Vec::new(),
            namespaces: vec![("test".to_owned(), 2)],
            files: Vec::new(),
            port_delay: Duration::ZERO,
            first_round: Duration::from_millis(1_900),
            migrate_rate: 1_000,
            misbehaviour: Misbehaviour::None,
        }
    }

    /// How long without a heartbeat until a node counts as dead.
    #[must_use]
    pub fn dead_after(&self) -> Duration {
        self.interval * self.timeout
    }

    /// How long a newcomer is watched before a round takes it in: so all that come at about the same time come in together.
    #[must_use]
    pub fn settle(&self) -> Duration {
        self.interval * 7
    }

    /// The address to listen on.
    pub(crate) fn bind_address(&self) -> IpAddr {
        if self.bind_any {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED)
        } else {
            self.address
        }
    }

    /// The member that this node is, in its current run.
    pub(crate) fn member(&self, incarnation: u64) -> Member {
        Member {
            id: NodeId::derive(self.fabric_port, self.address),
            incarnation,
            address: self.address,
            service_port: self.service_port,
            heartbeat_port: self.heartbeat_port,
            fabric_port: self.fabric_port,
            quiesced: false,
        }
    }
}
