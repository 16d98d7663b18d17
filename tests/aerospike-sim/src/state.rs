//! What a node knows, behind one lock: its cluster, its seeds, its peers' announcements, its records.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;

use crate::cluster::ClusterKey;
use crate::data::{Remaining, Store};
use crate::seeds::Seeds;
use crate::{Cluster, Member, NodeId, NodeOptions};

/// What a peer said of itself in its last heartbeat.
#[derive(Debug)]
pub(crate) struct Announced {
    pub key: Option<ClusterKey>,
    pub remaining: Vec<Remaining>,
}

/// How settled the cluster is, as far as this node can see.
#[derive(Debug)]
pub(crate) enum Stability {
    /// No cluster yet.
    Unformed,
    /// Some member has not announced this cluster's key.
    Unsettled,
    /// Records are still on their way.
    Migrating(Arc<Cluster>),
    /// All members agree, and everything is in its place.
    Stable(Arc<Cluster>),
}

/// The state of one node.
#[derive(Debug)]
pub(crate) struct State {
    pub seeds: Seeds,
    pub store: Store,
    /// Asked to be quiesced at the next clustering round.
    pub quiesce: bool,
    /// Asked for a new clustering round although nobody came or went.
    pub recluster: bool,
    pub announced: HashMap<NodeId, Announced>,
    cluster: Option<Arc<Cluster>>,
    departed: BTreeMap<SocketAddr, NodeId>,
    peers_generation: u64,
}

impl State {
    pub fn new(options: &NodeOptions) -> Self {
        let mut seeds = Seeds::default();
        for seed in &options.seeds {
            seeds.add(seed.clone());
        }
        Self {
            seeds,
            store: Store::new(&options.namespaces),
            quiesce: false,
            recluster: false,
            announced: HashMap::new(),
            cluster: None,
            departed: BTreeMap::new(),
            peers_generation: 0,
        }
    }

    pub fn cluster(&self) -> Option<&Arc<Cluster>> {
        self.cluster.as_ref()
    }

    /// Becomes part of this cluster.
    pub fn adopt(&mut self, cluster: Arc<Cluster>) {
        let old = self.cluster.as_deref();
        let gone: Vec<(SocketAddr, NodeId)> = old
            .map_or(&[][..], Cluster::members)
            .iter()
            .filter(|member| cluster.member(member.id).is_none())
            .map(|member| (member.service(), member.id))
            .collect();
        let came = match old {
            Some(old) => {
                let new = |member: &&Member| old.member(member.id).is_none();
                cluster.members().iter().filter(new).count()
            }
            // The node itself is among those that came with its first cluster, and is no peer.
            None => cluster.size().saturating_sub(1),
        };
        self.peers_generation += (gone.len() + came) as u64;
        self.departed.extend(gone);
        self.recluster = false;
        self.cluster = Some(cluster);
        self.store.new_cluster();
    }

    /// Is in no cluster any more.
    pub fn orphan(&mut self) {
        if let Some(cluster) = self.cluster.take() {
            self.peers_generation += cluster.size().saturating_sub(1) as u64;
        }
    }

    /// The other members.
    pub fn peers(&self, me: NodeId) -> impl Iterator<Item = &Member> {
        self.cluster
            .as_deref()
            .map_or(&[][..], Cluster::members)
            .iter()
            .filter(move |member| member.id != me)
    }

    /// Counts the peers that came or went so far.
    pub fn peers_generation(&self) -> u64 {
        self.peers_generation
    }

    /// Every peer ever seen since the last reset, by address. Those that are still there cost no memory of their own.
    pub fn alumni(&self, me: NodeId) -> BTreeSet<SocketAddr> {
        self.peers(me)
            .map(Member::service)
            .chain(self.departed.keys().copied())
            .collect()
    }

    /// The same as text, `address:port;address:port`.
    pub fn alumni_text(&self, me: NodeId) -> String {
        match &self.cluster {
            Some(cluster) if self.departed.is_empty() => cluster.texts().services(me),
            _ => {
                let known: Vec<String> = self.alumni(me).iter().map(ToString::to_string).collect();
                known.join(";")
            }
        }
    }

    /// Those that are remembered and not seen any more.
    pub fn departed(&self) -> impl Iterator<Item = (SocketAddr, NodeId)> {
        self.departed.iter().map(|(address, id)| (*address, *id))
    }

    pub fn reset_alumni(&mut self) {
        self.departed.clear();
    }

    /// How many partitions of a namespace this node has to send, and how many it still expects.
    pub fn migrations(&self, namespace: &str, me: NodeId) -> (usize, usize) {
        let Some(cluster) = &self.cluster else {
            return (0, 0);
        };
        let sum = |all: &[Remaining], to: Option<NodeId>| -> usize {
            all.iter()
                .filter(|one| one.namespace == namespace && to.is_none_or(|to| to == one.target))
                .map(|one| one.partitions)
                .sum()
        };
        let sending = sum(&self.store.remaining(cluster, me), None);
        let expecting = self
            .announced
            .iter()
            .filter(|(peer, announced)| {
                cluster.member(**peer).is_some() && announced.key == Some(cluster.key())
            })
            .map(|(_, announced)| sum(&announced.remaining, Some(me)))
            .sum();
        (sending, expecting)
    }

    /// How settled everything is.
    pub fn stability(&self, me: NodeId, shared_world: bool) -> Stability {
        let Some(cluster) = &self.cluster else {
            return Stability::Unformed;
        };
        if shared_world {
            return Stability::Stable(Arc::clone(cluster));
        }
        let agree = self.peers(me).all(|peer| {
            self.announced
                .get(&peer.id)
                .is_some_and(|announced| announced.key == Some(cluster.key()))
        });
        if !agree {
            return Stability::Unsettled;
        }
        let peers_done = self.peers(me).all(|peer| {
            self.announced
                .get(&peer.id)
                .is_some_and(|announced| announced.remaining.is_empty())
        });
        if peers_done && self.store.remaining(cluster, me).is_empty() {
            Stability::Stable(Arc::clone(cluster))
        } else {
            Stability::Migrating(Arc::clone(cluster))
        }
    }
}
