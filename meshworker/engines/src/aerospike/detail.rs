//! What only an Aerospike node says of itself.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::intern::Weigh;
use meshworker_core::Place;

/// The number that all members of one cluster give, and no other cluster: drawn
/// anew at each change of membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterKey(pub NonZeroU64);

impl fmt::Display for ClusterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}", self.0)
    }
}

impl Serialize for ClusterKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What only an Aerospike node says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Detail {
    /// The version of the server, such as `8.0.0.15`.
    pub build: String,
    /// The edition, which decides how many nodes there may be.
    pub edition: Edition,
    /// The key of the cluster that it is in; none in the first seconds, before
    /// it has found any.
    pub key: Option<ClusterKey>,
    /// Whether all members see the same members.
    pub integrity: bool,
    /// Whether it takes part, and is not an orphan on its own.
    pub is_member: bool,
    /// The node that decides who is in the cluster, as this one sees it.
    pub principal: Option<String>,
    /// Seconds since it started.
    pub uptime: u64,
    /// Where former peers were that it remembers and does not see alive,
    /// sorted. It may still try to connect to them. Shared between equal views.
    pub departed: Arc<[Place]>,
    /// What it says of its namespaces, in the order of their names; none when
    /// it does not name them. Shared between equal views.
    pub namespaces: Option<Arc<[Namespace]>>,
    /// How many partitions it has still to send to others; none when one of its
    /// namespaces does not say.
    pub to_send: Option<u64>,
}

/// What a node says of one namespace. What it does not say is none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Namespace {
    /// Its name.
    pub name: String,
    /// How many copies of a record are meant to be kept.
    pub replication_factor: Option<u64>,
    /// How many are kept in a cluster as small as this one.
    pub copies: Option<u64>,
    /// Partitions that cannot be served, because nodes are missing.
    pub unavailable: Option<u64>,
    /// Partitions that cannot be served although all nodes are there.
    pub dead: Option<u64>,
    /// Whether the node is to be quiesced when the cluster is next formed.
    pub quiesce_pending: Option<bool>,
    /// Whether it is quiesced: last in line for every partition.
    pub quiesced: Option<bool>,
    /// Whether the node holds no record of it.
    pub empty: Option<bool>,
    /// Whether its copies end with the process: they are on no disk.
    pub volatile: Option<bool>,
}

impl Weigh for Namespace {
    fn weight(&self) -> usize {
        size_of::<Namespace>() + self.name.len()
    }
}

/// The edition of an Aerospike server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Edition {
    /// Free of charge, with a limit of nodes.
    Community,
    /// Enterprise, or one that is built on it.
    Enterprise,
    /// One that this version does not know; nothing is assumed of it.
    Other,
}

impl Edition {
    /// The most nodes that one cluster may have, where that is enforced by the
    /// server: Community Edition takes 8.
    pub const fn max_nodes(self) -> Option<usize> {
        match self {
            Edition::Community => Some(8),
            Edition::Enterprise | Edition::Other => None,
        }
    }
}

impl fmt::Display for Edition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Edition::Community => "Aerospike Community Edition",
            Edition::Enterprise => "Aerospike Enterprise Edition",
            Edition::Other => "this edition of Aerospike",
        })
    }
}

impl FromStr for Edition {
    type Err = std::convert::Infallible;

    fn from_str(said: &str) -> Result<Edition, Self::Err> {
        Ok(if said.contains("Community") {
            Edition::Community
        } else if said.contains("Enterprise") || said.contains("Federal") {
            Edition::Enterprise
        } else {
            Edition::Other
        })
    }
}
