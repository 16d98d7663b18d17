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
    /// Where this slot's store is, if it has one.
    pub(super) fn own_folder(&self) -> Option<PathBuf> {
        let service = self.service.as_deref().unwrap_or("meshworker");
        let state = self.state.as_ref()?;
        Some(state.join(format!("{service}.{}", self.seat.slot)))
    }

    /// Where stores of this service are or could be, in that folder: this slot's first, then
    /// those that are there already. Swarm may start each slot on another node than before:
    /// whatever store is there, and nobody has, is one that its group waits for. Where others
    /// have all of them, there is one `besides`.
    pub(super) fn folders(&self, besides: bool) -> Vec<PathBuf> {
        let Some(state) = &self.state else {
            return Vec::new();
        };
        let service = self.service.as_deref().unwrap_or("meshworker");
        let own = format!("{service}.{}", self.seat.slot);
        let slot_of = |name: &str| -> Option<u64> {
            let slot = name.strip_prefix(service)?.strip_prefix('.')?;
            slot.parse().ok()
        };
        let there = std::fs::read_dir(state).into_iter().flatten().flatten();
        let there = there.filter_map(|entry| entry.file_name().into_string().ok());
        let mut others: Vec<(u64, String)> = there
            .filter(|name| *name != own)
            .filter_map(|name| Some((slot_of(&name)?, name)))
            .collect();
        others.sort();
        let taken = |slot: &u64| *slot == self.seat.slot || others.iter().any(|(o, _)| o == slot);
        let free = (1_u64..).find(|slot| !taken(slot));
        let others = others.into_iter().map(|(_, name)| name);
        let mut all: Vec<String> = match state.join(&own).is_dir() {
            true => [own.clone()].into_iter().chain(others).collect(),
            false => others.chain([own.clone()]).collect(),
        };
        if besides {
            all.extend(free.map(|slot| format!("{service}.{slot}")));
        }
        all.into_iter().map(|name| state.join(name)).collect()
    }
}
