//! The lists of a cluster's members as text, made once for all members.
//!
//! Every member gives nearly the same lists; a thousand that each write a thousand entries anew would keep the machine busier
//! than whoever asks.

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};

use crate::{Member, NodeId};

/// The lists of one cluster.
#[derive(Debug)]
pub(crate) struct Texts {
    /// In the order of the ids: the port, and the entry up to it.
    peers: Vec<(NodeId, u16, String)>,
    /// In the order of the addresses.
    services: Vec<(NodeId, String)>,
}

impl Texts {
    /// The lists of these members.
    pub fn of(members: &[Member]) -> Self {
        let peers = members.iter().map(|peer| {
            let address = match peer.address {
                IpAddr::V4(v4) => v4.to_string(),
                IpAddr::V6(v6) => format!("[{v6}]"),
            };
            (
                peer.id,
                peer.service_port,
                format!("[{},,[{address}", peer.id),
            )
        });
        let mut services: Vec<(SocketAddr, NodeId)> = members
            .iter()
            .map(|peer| (peer.service(), peer.id))
            .collect();
        services.sort_unstable();
        let services = services
            .into_iter()
            .map(|(service, id)| (id, service.to_string()));
        Self {
            peers: peers.collect(),
            services: services.collect(),
        }
    }

    /// The entries of `peers-clear-std`, without the one who is asked.
    pub fn peers(&self, me: NodeId, default_port: u16) -> String {
        let mut list = String::with_capacity(self.peers.len() * 40);
        for (id, port, entry) in &self.peers {
            if *id == me {
                continue;
            }
            if !list.is_empty() {
                list.push(',');
            }
            list.push_str(entry);
            if *port != default_port {
                // Writing to a string cannot fail.
                let _ = write!(list, ":{port}");
            }
            list.push_str("]]");
        }
        list
    }

    /// The addresses of `services-alumni`, without the one who is asked.
    pub fn services(&self, me: NodeId) -> String {
        let others = self.services.iter().filter(|(id, _)| *id != me);
        let mut list = String::with_capacity(self.services.len() * 20);
        for (_, service) in others {
            if !list.is_empty() {
                list.push(';');
            }
            list.push_str(service);
        }
        list
    }
}
