//! Who this member is, as Swarm's templates or its pod's fields say.

use std::fmt;

use meshworker_core::{MemberId, NodeName};

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
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.service, self.slot)
    }
}
