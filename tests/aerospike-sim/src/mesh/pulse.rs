//! The heartbeat message.

use std::net::SocketAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::cluster::ClusterKey;
use crate::data::Remaining;
use crate::{Cluster, Member, NodeId};

/// What a node tells all nodes it is linked to, at every interval and at every change.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Pulse {
    /// Grows with every pulse of a run: two links may deliver in another order.
    pub sequence: u64,
    pub cluster_name: String,
    pub sender: Member,
    /// The sender's first clustering round is due or over.
    pub ready: bool,
    /// Nodes of the same name that the sender hears, and their heartbeat addresses: proof for them, gossip for the others.
    pub heard: Vec<(NodeId, SocketAddr)>,
    /// The key of the sender's cluster, and its size and principal.
    pub standing: Option<Standing>,
    /// The whole cluster, when the sender is its principal.
    pub decision: Option<Arc<Cluster>>,
    /// What the sender has still to send to whom.
    pub remaining: Vec<Remaining>,
}

/// Which cluster a node is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Standing {
    pub key: ClusterKey,
    pub size: usize,
    pub principal: NodeId,
}
