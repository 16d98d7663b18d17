//! What a node says of itself and of the others.

use std::net::IpAddr;

use meshworker_core::{Peer, View};
use serde::Serialize;

use super::{CLUSTER, Database};
use crate::address;

/// What only the model database's views have.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Detail {
    /// Tells two clusters apart.
    pub key: usize,
    /// The nodes that it remembers and does not reach, with their addresses.
    pub departed: Vec<(String, IpAddr)>,
    /// How many units it holds.
    pub units: u32,
}

impl Database {
    /// What this node says.
    pub fn view(&self, at: usize, now: u64) -> Option<View<Detail>> {
        let node = self.nodes.get(at)?;
        let fragment = self.fragments.get(&node.fragment)?;
        let peer = |other: &usize, alive: bool| Peer {
            node: Self::name(*other),
            address: self.nodes.get(*other).map(|other| address(other.address)),
            alive,
        };
        let alive = fragment.members.iter().map(|other| peer(other, true));
        let gone = node.departed.iter().map(|other| peer(other, false));
        let mut peers: Vec<Peer> = alive.chain(gone).collect();
        peers.sort();
        let departed = node.departed.iter().filter_map(|other| {
            let node = self.nodes.get(*other)?;
            Some((Self::name(*other), address(node.address)))
        });
        // Another cluster's data moves all the time, to be in the way.
        let working = fragment.works(now) || !node.ours;
        Some(View {
            node: Self::name(at),
            cluster_name: Some(if node.ours { CLUSTER } else { "another" }.into()),
            size: fragment.members.len(),
            peers: peers.into(),
            working: working.then(|| "units to send".into()),
            detail: Detail {
                key: node.fragment,
                departed: departed.collect(),
                units: node.units.count_ones(),
            },
        })
    }
}
