//! What can be asked of an Aerospike node, besides its view.

use std::fmt;
use std::net::SocketAddr;

use meshworker_core::{Place, StepKind};
use serde::Serialize;

use super::identity::Identity;

/// The longest `tip-clear` list: the server reads it into 3000 bytes.
const MAX_CLEAR_LIST: usize = 2900;

/// Says, among much else, whether the heartbeats are switched on.
pub(super) const NETWORK_CONFIG: &str = "get-config:context=network";
/// What the answer contains when they are not.
pub(super) const OFF: &str = "heartbeat.protocol=none";
const HEARTBEATS_OFF: &str = "set-config:context=network;heartbeat.protocol=none";
/// Switches them on; `ok` also when they are.
pub(super) const HEARTBEATS_ON: &str = "set-config:context=network;heartbeat.protocol=v3";

/// A change that is asked of an Aerospike node. All are idempotent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Connect to the node with this heartbeat address, now and whenever the
    /// connection is lost: it becomes a seed. One such request in either
    /// direction joins two clusters of the same name.
    Tip {
        /// The other node's heartbeat address.
        seed: SocketAddr,
        /// Who lives there: no cluster is joined to whoever does by now.
        guest: Identity,
        /// Who is told: nobody else is sent there.
        host: Identity,
    },
    /// Leave the mesh, until the next tip: clear the seeds, and switch the
    /// heartbeats off. Asked of whoever has no place in a cluster that takes only
    /// so many nodes, and keeps others out of it.
    StandAside {
        /// The other nodes' heartbeat addresses.
        seeds: Vec<SocketAddr>,
    },
    /// Stop trying to connect to this heartbeat address.
    TipClear(SocketAddr),
    /// Forget all former peers, after clearing the seeds that lead to them.
    ///
    /// The memory of former peers is the only visible trace of those seeds, so
    /// the node is told to drop it only once it has confirmed, in the same
    /// breath, that none of the seeds is left.
    AlumniReset {
        /// The heartbeat addresses of the former peers.
        departed: Vec<SocketAddr>,
    },
    /// Be last in line for every partition once the cluster is next formed, so
    /// that others lead and hold what this node does. Enterprise Edition.
    Quiesce,
    /// No longer be last in line, once the cluster is next formed.
    QuiesceUndo,
    /// Form the cluster anew with the members that it has. Only the principal,
    /// the node that decides who is in, does so.
    Recluster {
        /// What it is for: leaving, or an arrangement among those that stay.
        purpose: StepKind,
    },
}

impl Request {
    /// The commands, each with the number of seeds that it clears. A later one
    /// must not be sent before the earlier one has succeeded.
    pub(super) fn commands(&self) -> Vec<(String, Option<usize>)> {
        match self {
            // An address without brackets: here it stands alone, while a
            // tip-clear list has ports.
            Request::Tip { seed, .. } => {
                let (host, port) = (seed.ip(), seed.port());
                vec![(format!("tip:host={host};port={port}"), None)]
            }
            Request::StandAside { seeds } => {
                let mut commands = clear_lists(seeds);
                commands.push((HEARTBEATS_OFF.into(), None));
                commands
            }
            Request::TipClear(seed) => clear_lists(&[*seed]),
            Request::AlumniReset { departed } => {
                let mut commands = clear_lists(departed);
                commands.push(("services-alumni-reset".into(), None));
                commands
            }
            Request::Quiesce => vec![("quiesce:".into(), None)],
            Request::QuiesceUndo => vec![("quiesce-undo:".into(), None)],
            Request::Recluster { .. } => vec![("recluster:".into(), None)],
        }
    }
}

fn clear_lists(seeds: &[SocketAddr]) -> Vec<(String, Option<usize>)> {
    let mut lists: Vec<(String, usize)> = Vec::new();
    for seed in seeds.iter().map(SocketAddr::to_string) {
        match lists.last_mut() {
            Some((list, count)) if list.len() + seed.len() < MAX_CLEAR_LIST => {
                *list = format!("{list},{seed}");
                *count += 1;
            }
            _ => lists.push((seed, 1)),
        }
    }
    let lists = lists.into_iter();
    lists
        .map(|(list, count)| (format!("tip-clear:host-port-list={list}"), Some(count)))
        .collect()
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (command, _)) in self.commands().iter().enumerate() {
            let then = if position == 0 { "" } else { ", then " };
            write!(f, "{then}{command}")?;
        }
        Ok(())
    }
}

impl meshworker_core::Request for Request {
    fn kind(&self) -> StepKind {
        match self {
            // It makes room for those that belong in.
            Request::Tip { .. } | Request::StandAside { .. } => StepKind::Join,
            Request::TipClear(_) | Request::AlumniReset { .. } => StepKind::Forget,
            Request::Quiesce => StepKind::Leave,
            Request::QuiesceUndo => StepKind::Arrange,
            Request::Recluster { purpose } => *purpose,
        }
    }

    fn introduces(&self) -> Option<Place> {
        match self {
            Request::Tip { seed, .. } => Some(seed.ip().into()),
            Request::StandAside { .. }
            | Request::TipClear(_)
            | Request::AlumniReset { .. }
            | Request::Quiesce
            | Request::QuiesceUndo
            | Request::Recluster { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seeds(count: u16) -> Vec<SocketAddr> {
        (1..=count)
            .map(|n| SocketAddr::new(std::net::IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, n]), 3002))
            .collect()
    }

    fn node(id: &str) -> Identity {
        Identity {
            node: id.into(),
            cluster_name: None,
        }
    }

    #[test]
    fn a_tip_names_host_and_port() {
        let tip = |seed: &str| Request::Tip {
            seed: seed.parse().unwrap(),
            guest: node("BB9"),
            host: node("A1"),
        };
        let (v4, v6) = (tip("10.0.1.6:3002"), tip("[fd00::6]:3002"));
        assert_eq!(v4.to_string(), "tip:host=10.0.1.6;port=3002");
        assert_eq!(v6.to_string(), "tip:host=fd00::6;port=3002");
    }

    /// With `;` between host and port the server answers "0 cleared, 0 not
    /// found", and the seed stays for ever.
    #[test]
    fn tip_clear_uses_a_colon_not_a_semicolon() {
        let clear = Request::TipClear("10.0.1.6:3002".parse().unwrap());
        assert_eq!(clear.to_string(), "tip-clear:host-port-list=10.0.1.6:3002");
        let clear = Request::TipClear("[fd00::6]:3002".parse().unwrap());
        assert_eq!(clear.to_string(), "tip-clear:host-port-list=[fd00::6]:3002");
    }

    #[test]
    fn a_reset_clears_the_seeds_first() {
        let reset = Request::AlumniReset { departed: seeds(2) };
        assert_eq!(
            reset.to_string(),
            "tip-clear:host-port-list=[fd00::1]:3002,[fd00::2]:3002, then services-alumni-reset"
        );
    }

    #[test]
    fn a_list_fits_the_servers_buffer() {
        let commands = Request::AlumniReset {
            departed: seeds(1000),
        }
        .commands();
        assert!(commands.iter().all(|(command, _)| command.len() < 3000));
        let cleared: usize = commands.iter().filter_map(|(_, count)| *count).sum();
        assert_eq!(cleared, 1000);
    }
}
