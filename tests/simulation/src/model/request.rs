//! What can be asked of a node.

use std::fmt;
use std::net::IpAddr;

use meshworker_core::{Request, StepKind};
use serde::Serialize;

/// A request in the language of the model database.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Ask {
    /// Meet the node at this address.
    Join(IpAddr),
    /// Forget this node.
    Forget(String),
    /// Give everything that you hold to the others.
    HandOver,
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ask::Join(address) => write!(f, "join {address}"),
            Ask::Forget(node) => write!(f, "forget {node}"),
            Ask::HandOver => f.write_str("hand over"),
        }
    }
}

impl Request for Ask {
    fn kind(&self) -> StepKind {
        match self {
            Ask::Join(_) => StepKind::Join,
            Ask::Forget(_) => StepKind::Forget,
            Ask::HandOver => StepKind::Leave,
        }
    }

    fn introduces(&self) -> Option<IpAddr> {
        match self {
            Ask::Join(address) => Some(*address),
            Ask::Forget(_) | Ask::HandOver => None,
        }
    }
}
