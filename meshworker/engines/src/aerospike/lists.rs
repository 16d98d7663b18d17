//! The lists in the views, one copy of equal ones.
use std::sync::{Arc, Mutex, PoisonError};

use meshworker_core::{Peer, Place, Unanswered};

use super::detail::Namespace;
use super::peers;
use crate::budget::LISTS;
use crate::intern::{Interner, NoRoom};

/// The lists in the views of one cluster.
#[derive(Debug)]
pub(super) struct Lists {
    peers: Interner<Peer>,
    departed: Interner<Place>,
    namespaces: Interner<Namespace>,
    /// The list that was shared last: most likely the next one says the same.
    last: Mutex<Option<Arc<[Peer]>>>,
}

impl Default for Lists {
    fn default() -> Lists {
        Lists {
            peers: Interner::new(LISTS / 2),
            departed: Interner::new(LISTS / 4),
            namespaces: Interner::new(LISTS / 4),
            last: Mutex::default(),
        }
    }
}

impl Lists {
    /// The peers in a node's list, and the node itself; sorted.
    ///
    /// # Errors
    ///
    /// The list is not of the known form, or there is no room for it.
    pub fn alive(&self, asked: Place, own: Peer, listed: &str) -> Result<Arc<[Peer]>, Unanswered> {
        let last = self.last().clone();
        if let Some(last) = last.filter(|last| says(asked, &own, listed, last)) {
            return Ok(last);
        }
        let mut peers = vec![own];
        for entry in peers::entries(listed) {
            let entry = entry.map_err(|odd| Unanswered::Garbage(odd.to_string()))?;
            peers.push(Peer {
                node: entry.node.to_owned(),
                address: peers::nearest(asked, entry.addresses()),
                alive: true,
            });
        }
        peers.sort_unstable();
        peers.dedup();
        let shared = self.peers.share(peers)?;
        *self.last() = Some(Arc::clone(&shared));
        Ok(shared)
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Option<Arc<[Peer]>>> {
        // A whole value is put in or read: nothing can be half done.
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Addresses of former peers, sorted.
    ///
    /// # Errors
    ///
    /// There is no room for them.
    pub fn departed(&self, departed: Vec<Place>) -> Result<Arc<[Place]>, NoRoom> {
        self.departed.share(departed)
    }

    /// What a node says of its namespaces.
    ///
    /// # Errors
    ///
    /// There is no room for it.
    pub fn namespaces(&self, namespaces: Vec<Namespace>) -> Result<Arc<[Namespace]>, NoRoom> {
        self.namespaces.share(namespaces)
    }
}

/// Whether the node's list and the node itself are exactly these peers, and the
/// list names them in their order, as the server does. A thousand lists of a
/// thousand are compared without a copy of each.
fn says(asked: Place, own: &Peer, listed: &str, peers: &[Peer]) -> bool {
    let mut entries = peers::entries(listed);
    let mut own = Some(own);
    let all = peers.iter().all(|peer| {
        if own == Some(peer) {
            own = None;
            return true;
        }
        let Some(Ok(entry)) = entries.next() else {
            return false;
        };
        peer.alive
            && entry.node == peer.node
            && peers::nearest(asked, entry.addresses()) == peer.address
    });
    all && own.is_none() && entries.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(n: u8) -> Place {
        Place::from([10, 0, 1, n])
    }

    fn own(node: &str, n: u8) -> Peer {
        Peer {
            node: node.into(),
            address: Some(ip(n)),
            alive: true,
        }
    }

    #[test]
    fn a_list_is_shared_only_when_it_says_the_same() {
        let lists = Lists::default();
        let of = |own: Peer, listed: &str| lists.alive(ip(1), own, listed).unwrap();
        let first = of(own("A", 1), "1,3000,[[B,,[10.0.1.2]],[C,,[10.0.1.3]]]");
        let same = of(own("B", 2), "7,3000,[[C,,[10.0.1.3]],[A,,[10.0.1.1]]]");
        assert!(Arc::ptr_eq(&first, &same));
        for (listed, count) in [
            ("1,3000,[[B,,[10.0.1.2]]]", 2),
            ("1,3000,[[B,,[10.0.1.2]],[B,,[10.0.1.2]]]", 2),
            ("1,3000,[[B,,[10.0.1.2]],[C,,[10.0.1.4]]]", 3),
            (
                "1,3000,[[B,,[10.0.1.2]],[C,,[10.0.1.3]],[D,,[10.0.1.4]]]",
                4,
            ),
        ] {
            let first = of(own("A", 1), "1,3000,[[B,,[10.0.1.2]],[C,,[10.0.1.3]]]");
            let other = of(own("A", 1), listed);
            assert!(!Arc::ptr_eq(&first, &other), "{listed}");
            assert_eq!(other.len(), count, "{listed}");
        }
        assert!(lists.alive(ip(1), own("A", 1), "1,3000,[").is_err());
    }
}
