//! What a worker needs to know to find the others.

use std::net::SocketAddr;
use std::path::PathBuf;

use meshworker_group::Seat;

use crate::token_file::TokenFile;
use crate::witness::DnsOptions;

/// What a worker needs to know to find the others.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the others speak to it. They listen at the same port.
    pub listen: SocketAddr,
    /// What workers, and nobody else, know.
    pub token_file: TokenFile,
    /// The DNS name of all workers.
    pub workers: String,
    /// How that name is asked for.
    pub dns: DnsOptions,
    /// Their service's name, where it is known: Docker knows how many there are meant to be.
    pub service: Option<String>,
    /// Where this one runs.
    pub seat: Seat,
    /// Where stores are kept; none for in memory.
    pub state: Option<PathBuf>,
    /// Who is to lead if it can: a slot's number, or a node's name.
    pub preferred: Option<String>,
}

impl Settings {
    /// Where this slot's store is, of all in that folder: workers of several services may
    /// share a volume.
    pub(super) fn folder(&self) -> Option<PathBuf> {
        let service = self.service.as_deref().unwrap_or("meshworker");
        let state = self.state.as_ref()?;
        Some(state.join(format!("{service}.{}", self.seat.slot)))
    }
}
