//! What a member has on its disk before its database is started.

use serde::{Deserialize, Serialize};

use crate::Told;

/// One word of what is on a disk: an id, a token, a role. In bytes.
const WORD: usize = 64;

/// A word that an engine's reader found in a file.
pub type Word = Told<WORD>;

/// What a member has on its disk before its database is started, as the small reader of
/// its engine says: what decides whether it may be started, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disk {
    /// No data, and no promise.
    Nothing,
    /// Something.
    Holds(Holds),
    /// Nobody can tell, and why: less than nothing.
    Unreadable(Told<200>),
}

impl Disk {
    /// By which ids the database there knows itself; none where it has no data.
    pub fn ids(&self) -> Option<&Ids> {
        match self {
            Disk::Holds(holds) => holds.ids.as_ref(),
            Disk::Nothing | Disk::Unreadable(_) => None,
        }
    }
}

/// What is there. Each of it may be missing: a promise comes before data, and data that
/// was put aside leaves neither ids nor a role.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Holds {
    /// By which ids the database there knows itself.
    pub ids: Option<Ids>,
    /// What was promised there.
    pub promise: Option<Promise>,
    /// What the member was when it ran last.
    pub role: Option<Office>,
}

/// By which ids a database knows itself: another one's are nobody's here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ids {
    /// Its own.
    pub node: Word,
    /// Its cluster's.
    pub cluster: Word,
}

/// That this disk counts for one birth, and for no other one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Promise {
    /// A higher one takes the place of a lower one.
    pub number: u64,
    /// Whom it was given: the token of that birth.
    pub to: Word,
}

/// A role, and the term in which it was held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Office {
    /// The engine's word for it.
    pub role: Word,
    /// Higher ones outrank lower ones.
    pub term: u64,
}
