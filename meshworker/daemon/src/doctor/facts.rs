//! What was seen, before anybody judges it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use meshworker_core::Report;
use meshworker_engines::Descriptor;

/// What was seen, before anybody judges it. An `Err` says why it was not.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Those of `/etc/resolv.conf`.
    pub name_servers: Result<Vec<IpAddr>, String>,
    /// The network links of this machine, or of this container.
    pub links: Result<Vec<Link>, String>,
    /// The overlay networks of the swarm.
    pub overlays: Result<Vec<Overlay>, String>,
    /// The swarm nodes that may run something, by id, with their names.
    pub nodes: Result<BTreeMap<String, String>, String>,
    /// The versions of these nodes' engines, and the names of the nodes that have each.
    pub engines: Result<BTreeMap<String, Vec<String>>, String>,
    /// The clusters that were named.
    pub clusters: Vec<Seen>,
    /// What a worker says of members that share a node; none where none was asked.
    pub shared: Option<Vec<Shared>>,
    /// Other clocks, beside this one.
    pub clocks: Vec<Result<Clock, String>>,
}

/// One cluster, as the witnesses see it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// What it is called.
    pub name: String,
    /// The name that DNS was asked for.
    pub dns_name: String,
    /// Its database.
    pub engine: &'static Descriptor,
    /// What the name server says.
    pub dns: Report,
    /// What the task list says; none where the Docker API is no witness.
    pub tasks: Option<Report>,
}

/// A swarm node whose death would take all copies of something, as a worker says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// The cluster.
    pub cluster: String,
    /// Which members share which node, what its death costs, and what to do.
    pub words: String,
}

/// A network link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Such as `eth0`.
    pub name: String,
    /// The largest packet that it carries, in bytes.
    pub mtu: usize,
    /// Whether a device is behind it, real or of a virtual machine: not so for
    /// the links of a container.
    pub is_device: bool,
}

/// An overlay network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlay {
    /// Its full name.
    pub name: String,
    /// Its MTU, where it is set.
    pub mtu: Option<usize>,
    /// Whether its packets are encrypted between nodes.
    pub encrypted: bool,
}

/// Another clock, beside this one.
#[derive(Debug, Clone, PartialEq)]
pub struct Clock {
    /// Whose it is.
    pub whose: String,
    /// How far it is ahead of this one, in seconds; negative when it is behind.
    pub ahead: f64,
    /// How far that may be wrong, in seconds.
    pub unsure: f64,
}

impl Facts {
    /// The clusters that were named.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn some_clusters(&self) -> Result<&[Seen], String> {
        if self.clusters.is_empty() {
            return Err("no cluster is named: say --servicename NAME, or --config FILE".into());
        }
        Ok(&self.clusters)
    }
}
