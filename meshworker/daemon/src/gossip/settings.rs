//! What a gossip router is told.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

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
