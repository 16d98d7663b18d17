//! What a gossip router is told.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use meshworker_engines::jgroups;
use meshworker_engines::registry::Kind;

use crate::config::Cluster;
use crate::http::certificate::Certificate;
use crate::token_file::TokenFile;
use crate::witness::DnsOptions;

/// What a gossip router is told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where members find it.
    pub listen: SocketAddr,
    /// What is shown to them; none for no encryption.
    pub tls: Option<Arc<Certificate>>,
    /// How long a member may say nothing; none for as long as its connection holds.
    pub expiry: Option<Duration>,
    /// So many of them may be connected.
    pub connections: usize,
    /// How it finds the others; none for this one alone.
    pub share: Option<Sharing>,
}

impl Settings {
    /// Has a group of JGroups ask this router who is registered, unless it is told to ask
    /// another one. One that speaks TLS is not asked.
    pub fn tell(&self, cluster: &mut Cluster) {
        if cluster.engine != Kind::Jgroups || self.tls.is_some() {
            return;
        }
        let ip = match self.listen.ip() {
            ip if !ip.is_unspecified() => ip,
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        };
        if let Some(routers) = cluster.access.options.get_mut(jgroups::ROUTERS)
            && routers == jgroups::NONE
        {
            *routers = SocketAddr::new(ip, self.listen.port()).to_string();
        }
    }
}

/// How a gossip router finds the others.
#[derive(Debug, Clone)]
pub struct Sharing {
    /// Where they speak to it. They listen at the same port.
    pub listen: SocketAddr,
    /// What routers, and nobody else, know.
    pub token_file: TokenFile,
    /// The DNS name of all of them.
    pub routers: String,
    /// How that name is asked for.
    pub dns: DnsOptions,
}
