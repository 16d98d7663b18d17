//! What only members of JGroups say of themselves.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use meshworker_core::Place;
use serde::Serialize;

use super::rows::Row;

/// What only members of JGroups say of themselves, and what is known of their group besides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Detail {
    /// What people call it.
    pub name: String,
    /// Its release.
    pub version: String,
    /// The view that it is in; none while it has joined none, or does not say.
    pub view: Option<ViewId>,
    /// Who is in it, by name: the first 20.
    pub members: Vec<String>,
    /// Whether it coordinates its view.
    pub coordinates: bool,
    /// For how long it has been in that view, as far as looks tell.
    pub lasts: Duration,
    /// Whether it was asked itself: else it is only known to a router.
    pub speaks: bool,
    /// Who is registered in its group with the gossip routers; none where none is asked.
    pub registered: Option<Arc<[Registered]>>,
    /// What stands in the group's tables of coordinators; none where none is read, or it cannot be.
    pub rows: Option<Arc<[Row]>>,
    /// Why a router or a table could not be read.
    pub unread: Vec<String>,
}

/// A view, as its coordinator has numbered it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ViewId {
    /// Who made it: its coordinator, as a rule.
    pub creator: String,
    /// The how manieth it is.
    pub id: u64,
}

impl fmt::Display for ViewId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}|{}]", self.creator, self.id)
    }
}

/// A member, as it has registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Registered {
    /// Who it is: drawn anew with each start.
    pub node: String,
    /// What people call it.
    pub name: String,
    /// Where the others reach it.
    pub place: Option<Place>,
}
