//! What is kept of nodes at rest, so that they need not tell everything each time.
//!
//! A thousand members that each list a thousand others cost a million entries a look,
//! though nothing has changed. Each engine knows a short question whose answer says
//! whether something has; every [`EACH`]th look asks for everything all the same, each
//! node at another time.

use meshworker_core::Place;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Every so many looks everything is asked: once a minute or so at rest, and
/// every few seconds while somebody leaves.
const EACH: u32 = 16;

/// The most nodes of which something is kept: far more than a cluster has.
const MOST: usize = 4096;

/// What is kept of each node, and how often it was looked at.
#[derive(Debug)]
pub(crate) struct Rest<K> {
    nodes: Mutex<HashMap<Place, (K, u32)>>,
}

impl<K> Default for Rest<K> {
    fn default() -> Rest<K> {
        Rest {
            nodes: Mutex::default(),
        }
    }
}

impl<K: Clone> Rest<K> {
    /// What is kept of this node; none when it is to be asked for everything.
    pub(crate) fn kept(&self, node: Place) -> Option<K> {
        let mut nodes = self.lock();
        let (kept, looks) = nodes.get_mut(&node)?;
        *looks = looks.wrapping_add(1);
        (!looks.is_multiple_of(EACH)).then(|| kept.clone())
    }

    /// Whatever is kept of this node holds no longer, or may not.
    pub(crate) fn forget(&self, node: Place) {
        self.lock().remove(&node);
    }

    /// Keeps this of the node; nothing where a change would not show.
    pub(crate) fn keep(&self, node: Place, kept: Option<K>) {
        let Some(kept) = kept else {
            return self.forget(node);
        };
        let mut nodes = self.lock();
        // Not all nodes are due for a long look in the same pass.
        let looks = nodes
            .get(&node)
            .map_or_else(|| offset(node), |(_, looks)| *looks);
        if nodes.len() >= MOST {
            nodes.clear();
        }
        nodes.insert(node, (kept, looks));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Place, (K, u32)>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn offset(node: Place) -> u32 {
    let mut hasher = DefaultHasher::new();
    node.hash(&mut hasher);
    (hasher.finish() % u64::from(EACH)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_look_of_sixteen_asks_for_everything() {
        let node = Place::from([10, 0, 0, 1]);
        let rest = Rest::default();
        assert_eq!(rest.kept(node), None);
        rest.keep(node, Some('a'));
        let short = (0..32).filter(|_| rest.kept(node).is_some()).count();
        assert_eq!(short, 30);
        // Kept anew, it is due no later.
        rest.keep(node, Some('b'));
        let short = (0..16).filter(|_| rest.kept(node) == Some('b')).count();
        assert_eq!(short, 15);
        rest.keep(node, None);
        assert_eq!(rest.kept(node), None);
    }
}
