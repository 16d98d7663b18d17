//! Who this member is, as Swarm's templates or its pod's fields say.

use std::fmt;
use std::net::IpAddr;

use meshworker_core::{MemberId, NodeName};

use crate::announce::{Announcement, Phase};

/// Who this member is, as Swarm's templates or its pod's fields say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The service's full name, such as `db_redis`, or the StatefulSet's.
    pub service: String,
    /// The replica's number.
    pub slot: u64,
    /// The Swarm task, or the pod's uid.
    pub task: String,
    /// The node.
    pub node: String,
    /// That node's name, where the stack tells it.
    pub node_name: Option<NodeName>,
}

impl Identity {
    /// The same as the core knows it.
    pub fn member(&self) -> MemberId {
        MemberId::Slot {
            service: self.service.clone(),
            slot: self.slot,
        }
    }

    /// What it says of itself to all members of a cluster.
    pub(super) fn says(
        &self,
        cluster: &str,
        address: IpAddr,
        (phase, generation): (Phase, u64),
    ) -> Announcement {
        let of = self.clone();
        Announcement {
            cluster: cluster.to_owned(),
            service: of.service,
            slot: of.slot,
            task: of.task,
            node: of.node,
            node_name: of.node_name,
            address,
            port: None,
            phase,
            generation,
            disk: None,
            known_as: None,
            fence: None,
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.service, self.slot)
    }
}
