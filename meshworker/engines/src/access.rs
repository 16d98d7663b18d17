//! How the nodes of one cluster are reached.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::SecretFile;

/// How the nodes of one cluster are reached: ports, names, credentials. Every
/// node of a cluster is reached the same way, at its own address.
#[derive(Debug, Clone)]
pub struct Access {
    /// The port that a joining request names: Aerospike's heartbeat port,
    /// Redis's client port.
    pub port: u16,
    /// The port that requests are sent to.
    pub service_port: u16,
    /// The name that every node must give as its cluster's; none to accept the
    /// one that the nodes agree on.
    pub cluster_name: Option<String>,
    /// The user to log in as.
    pub user: Option<String>,
    /// The file that holds the password.
    pub password: Option<SecretFile>,
    /// How to encrypt; none for plain text.
    pub tls: Option<Tls>,
    /// How long one request to one node may take, connecting included.
    pub deadline: Duration,
    /// The engine's own options: complete, names and values as in its
    /// [`Descriptor`](crate::Descriptor).
    pub options: BTreeMap<String, String>,
}

/// How connections to the nodes are encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// PEM file with the certificates that are trusted; none for the system's.
    pub ca_file: Option<PathBuf>,
    /// PEM files with the client's certificate and key, if the nodes ask for them.
    pub client: Option<(PathBuf, PathBuf)>,
    /// The name that the nodes' certificates carry, since they are dialled by
    /// address; none to expect the address itself.
    pub server_name: Option<String>,
}
