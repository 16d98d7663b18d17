//! One node as the others know it.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::NodeId;

/// A node as it stands in a cluster's member list.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Member {
    /// Its id, the same after every restart at this address.
    pub id: NodeId,
    /// Different after every restart. Data lives in memory, so a node that came back is not the one that held the copies.
    pub incarnation: u64,
    /// The address that peers and clients reach it at.
    pub address: IpAddr,
    /// Where it answers info requests.
    pub service_port: u16,
    /// Where it accepts heartbeats.
    pub heartbeat_port: u16,
    /// Where it accepts records from its peers.
    pub fabric_port: u16,
    /// Quiesced: it owns partitions only when there is nobody else.
    pub quiesced: bool,
}

impl Member {
    /// Whether both are the same run of the same node.
    #[must_use]
    pub fn same_run(&self, other: &Self) -> bool {
        self.id == other.id && self.incarnation == other.incarnation
    }

    /// Where it answers info requests.
    #[must_use]
    pub fn service(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.service_port)
    }

    /// Where it accepts heartbeats.
    #[must_use]
    pub fn heartbeat(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.heartbeat_port)
    }

    /// Where it accepts records from its peers.
    #[must_use]
    pub fn fabric(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.fabric_port)
    }
}
