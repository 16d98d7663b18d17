//! What a node says of itself and of the others.

use std::collections::BTreeSet;
use std::num::NonZeroU64;

use meshworker_core::{Answer, Peer, Place, Unanswered, View};
use meshworker_engines::aerospike::{ClusterKey, Detail, Edition, Namespace};

use super::{Aerospike, COPIES, FORMED, START, name};
use crate::address;
use crate::model::CLUSTER;

impl Aerospike {
    /// The last bytes of the addresses that this node remembers and where none of its
    /// peers is.
    pub(super) fn gone(&self, at: usize) -> BTreeSet<u8> {
        let node = &self.nodes[at];
        let address = |at: &usize| self.processes[*at].address;
        let fragment = self.fragments.get(&node.fragment);
        let peers = fragment.map(|fragment| fragment.members.iter().map(address));
        let peers: BTreeSet<u8> = peers.into_iter().flatten().collect();
        let gone = node.departed.iter().map(address);
        gone.filter(|gone| !peers.contains(gone)).collect()
    }

    pub(super) fn view(&self, at: usize, now: u64) -> Answer<Detail> {
        let (process, node) = (&self.processes[at], &self.nodes[at]);
        let age = now.saturating_sub(process.started);
        if age < START {
            return Err(Unanswered::Unreachable("its port is closed".into()));
        }
        let Some(fragment) = self.fragments.get(&node.fragment) else {
            return Err(Unanswered::Garbage("no cluster".into()));
        };
        let formed = age >= FORMED;
        let alive = fragment.members.iter().filter(|at2| formed || **at2 == at);
        let mut peers: Vec<Peer> = alive
            .map(|other| {
                let other = &self.processes[*other];
                Peer {
                    node: name(other.address),
                    address: Some(address(other.address)),
                    alive: true,
                }
            })
            .collect();
        peers.sort();
        peers.dedup();
        let departed = self.gone(at).into_iter();
        let departed: Vec<Place> = departed.map(address).collect();
        // Another cluster's data moves all the time, to be in the way.
        let working = fragment.works(now) || !process.ours;
        let key = NonZeroU64::new(node.fragment as u64).filter(|_| formed);
        let size = if formed { fragment.members.len() } else { 0 };
        let namespace = Namespace {
            name: "test".into(),
            volatile: Some(true),
            replication_factor: Some(COPIES as u64),
            copies: Some(COPIES.min(size) as u64),
            unavailable: Some(0),
            dead: Some(0),
            quiesce_pending: Some(node.pending),
            quiesced: Some(node.quiesced),
            empty: Some(node.units == 0),
        };
        let principal = self.principal(node.fragment);
        Ok(View {
            node: name(process.address),
            cluster_name: Some(if process.ours { CLUSTER } else { "another" }.into()),
            role: None,
            size,
            peers: peers.into(),
            working: working.then(|| "partitions to send".into()),
            holdings: Default::default(),
            detail: Detail {
                build: "8.0.0.15".into(),
                edition: match self.enterprise {
                    true => Edition::Enterprise,
                    false => Edition::Community,
                },
                key: key.map(ClusterKey),
                integrity: true,
                is_member: formed,
                principal: principal.map(|at| name(self.processes[at].address)),
                uptime: age / 1_000,
                departed: departed.into(),
                namespaces: Some([namespace].into()),
                to_send: Some(if working {
                    u64::from(node.units.count_ones())
                } else {
                    0
                }),
            },
        })
    }
}
