//! What a server can be asked to do.

use std::fmt;

use meshworker_core::{Place, Request, StepKind};
use serde::Serialize;

/// One request to one server.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AllegrographRequest {
    /// What it is asked.
    pub act: Act,
    /// What for: taking one out that is dead has gates of its own.
    pub kind: StepKind,
}

/// What a server is asked to do. Who it is, and how things are, is asked right before.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// To make its repository the first instance of a cluster, and the controlling one.
    Create {
        /// Its name.
        instance: String,
        /// Where the others reach it.
        host: String,
    },
    /// To let another server in: its repository becomes a copy.
    Grow {
        /// The other one.
        to: Place,
        /// The copy's name.
        instance: String,
        /// Where the others reach it.
        host: String,
    },
    /// To take an instance out.
    Remove(String),
    /// To throw away a repository that was taken out: its data can never come in again.
    Delete {
        /// The one that controls the cluster, and that does not list it.
        controlling: Place,
        /// Which instance it was, if it does not say so itself.
        instance: String,
    },
    /// To have this instance control the others.
    Control(String),
}

impl Request for AllegrographRequest {
    fn kind(&self) -> StepKind {
        self.kind
    }

    fn introduces(&self) -> Option<Place> {
        match &self.act {
            Act::Grow { to, .. } => Some(*to),
            _ => None,
        }
    }

    fn deals_out(&self) -> bool {
        // Who has not been heard of yet may know of a cluster, and a worker that acted before
        // may have asked for a copy whose data does not show yet.
        matches!(self.act, Act::Create { .. } | Act::Grow { .. })
    }
}

impl fmt::Display for AllegrographRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.act {
            Act::Create { instance, host } => {
                write!(f, "repl/createCluster instanceName={instance} host={host}")
            }
            Act::Grow { instance, host, .. } => {
                write!(f, "repl/growCluster instanceName={instance} host={host}")
            }
            Act::Remove(instance) => write!(f, "repl/remove instanceName={instance}"),
            Act::Delete { .. } => write!(f, "delete the repository that was taken out"),
            Act::Control(instance) => {
                write!(f, "repl/controllingInstance instanceName={instance}")
            }
        }
    }
}
