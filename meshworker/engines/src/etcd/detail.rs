//! What an etcd member says of itself and of its cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use meshworker_core::Place;
use serde::Serialize;

use super::alarm::Alarm;

/// What an etcd member says of itself and of its cluster. Ids are in hex, as etcd's own
/// tools and logs have them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Detail {
    /// Its cluster's id.
    pub cluster: String,
    /// The server's version.
    pub version: String,
    /// Who leads, as far as it knows.
    pub leader: Option<String>,
    /// In which term.
    pub term: u64,
    /// How far its log has come.
    pub index: u64,
    /// The store's revision.
    pub revision: u64,
    /// Whether it has no vote.
    pub learner: bool,
    /// Who is in the cluster, sorted by id; nobody where it is a learner, which does not
    /// tell.
    pub members: Arc<[Listed]>,
    /// The members that it is connected with, and whether it has been for as long as etcd
    /// asks for before a change.
    pub connected: BTreeMap<String, bool>,
    /// The members that it lists and has not been connected with for a minute, as far as looks
    /// tell.
    pub away: BTreeSet<String>,
    /// The alarms that are raised, and at whom.
    pub alarms: BTreeMap<String, BTreeSet<Alarm>>,
    /// Whether it has listed the same members for a minute, as far as looks tell.
    pub unchanged: bool,
    /// Whether it has listed them for longer than one that runs may take to get in step: ten
    /// minutes, and twice as long for each time that it did not.
    pub overdue: bool,
    /// A revision that its cluster had and that nobody has had for a while, as far as looks
    /// tell.
    pub missed: Option<u64>,
    /// Where those were to be that it listed for a minute and that got no vote, the last one
    /// last.
    pub in_vain: Vec<String>,
    /// What stands under [`super::size::KEY`], if anything does.
    pub wish: Option<String>,
}

/// A member in the cluster's own list.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// Its name; empty before it was started first.
    pub name: String,
    /// Where the others reach it.
    pub peer_urls: Vec<String>,
    /// Where clients reach it; nowhere before it was started first.
    pub client_urls: Vec<String>,
    /// Whether it has no vote.
    pub learner: bool,
}

impl Listed {
    /// Whether it was ever started.
    pub fn is_started(&self) -> bool {
        !self.name.is_empty()
    }

    /// Where clients reach it, as far as that is an address; `usual` is the cluster's own
    /// port.
    pub fn place(&self, usual: u16) -> Option<Place> {
        let sockets = self.client_urls.iter().filter_map(|url| {
            let (_, socket) = url.split_once("://")?;
            socket.trim_end_matches('/').parse().ok()
        });
        let mut known = sockets.filter(|at: &std::net::SocketAddr| !at.ip().is_unspecified());
        known.next().map(|at| Place::new(at.ip(), at.port(), usual))
    }
}
