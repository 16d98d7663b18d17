//! What a member is told to do: one that waits, and one whose database must end.

use serde::{Deserialize, Serialize};

use crate::{Place, Promise, Start, Told};

/// What a member is told to do. One that waits does what is told before its start, and goes
/// on waiting: what is on its disk by then is in its next announcement.
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
    /// To have another member's data copied to its empty disk.
    Fetch {
        /// Where that one is.
        from: Place,
    },
    /// To start its database.
    Start(Start),
    /// To end its database at once, without a word to it, and to wait: another one is
    /// primary since a higher term began. The only one that is told to whoever runs.
    Kill {
        /// The term that its database holds itself to be primary in.
        term: u64,
    },
}

impl Tell {
    /// What it is, for people and logs.
    pub fn what(&self) -> &'static str {
        match self {
            Tell::Promise(_) => "promise",
            Tell::Aside { .. } => "put its data aside",
            Tell::Fetch { .. } => "fetch another one's data",
            Tell::Start(_) => "start",
            Tell::Kill { .. } => "end its database",
        }
    }
}
