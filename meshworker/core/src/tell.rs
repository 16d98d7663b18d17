//! What a member that waits is told to do.

use serde::{Deserialize, Serialize};

use crate::{Promise, Start, Told};

/// What a member that waits is told to do. It does the first two and goes on waiting: what
/// is on its disk by then is in its next announcement.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tell {
    /// To promise that its disk counts for one birth: a higher number takes the place of a
    /// lower one, and nothing else does.
    Promise(Promise),
    /// To put its data aside, never to delete it: it is nobody's here.
    Aside {
        /// Why, for people.
        why: Told<200>,
    },
    /// To start its database.
    Start(Start),
}

impl Tell {
    /// What it is, for people and logs.
    pub fn what(&self) -> &'static str {
        match self {
            Tell::Promise(_) => "promise",
            Tell::Aside { .. } => "put its data aside",
            Tell::Start(_) => "start",
        }
    }
}
