//! What one database node says of its cluster.
use std::sync::Arc;

use serde::Serialize;

use crate::{Holdings, Place, Role};

/// A node, as the node that was asked sees it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Peer {
    /// Its id in the database.
    pub node: String,
    /// Where it is said to be; none while nobody knows.
    pub address: Option<Place>,
    /// Whether the node that was asked holds it to be alive.
    pub alive: bool,
}

/// What one database node says of its cluster: the part that every database
/// has, and the rest in `detail`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct View<D> {
    /// The node's own id in the database.
    pub node: String,
    /// The name of the cluster that it was configured for, if it has one.
    pub cluster_name: Option<String>,
    /// What it is among the others; none where all are alike.
    pub role: Option<Role>,
    /// How many nodes it counts in its cluster, itself included; 0 while it
    /// has not decided yet.
    pub size: usize,
    /// All nodes that it knows, itself included, sorted. Shared, because the
    /// members of a large cluster all say the same: an engine hands out one
    /// copy of equal lists.
    pub peers: Arc<[Peer]>,
    /// Work that should end before anybody leaves, in the operator's words,
    /// such as "120 partitions to send"; none when it is at rest.
    pub working: Option<String>,
    /// What it has, and whether it takes more.
    pub holdings: Holdings,
    /// What only this database has.
    pub detail: D,
}

impl<D> View<D> {
    /// The nodes that this node holds to be alive, itself included.
    pub fn alive(&self) -> impl Iterator<Item = &Peer> {
        self.peers.iter().filter(|peer| peer.alive)
    }

    /// The same, without what only its database has.
    pub fn head(&self) -> View<()> {
        View {
            node: self.node.clone(),
            cluster_name: self.cluster_name.clone(),
            role: self.role,
            size: self.size,
            peers: Arc::clone(&self.peers),
            working: self.working.clone(),
            holdings: self.holdings.clone(),
            detail: (),
        }
    }
}
