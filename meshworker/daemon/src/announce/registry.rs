//! The desks of all clusters of this process.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::info;

use super::Desk;
use crate::witness::Place;

/// The desks of all clusters of this process, by the clusters' names.
#[derive(Default)]
pub struct Registry {
    desks: Mutex<BTreeMap<String, Arc<Desk>>>,
    /// Where the workers are, for what they ask of each other.
    workers: Option<Place>,
}

impl Registry {
    /// No cluster yet.
    pub fn new() -> Arc<Registry> {
        Arc::default()
    }

    /// The same, of one of the workers at this place: what they say of members on
    /// an operator's order is believed.
    pub fn among(workers: Place) -> Arc<Registry> {
        Arc::new(Registry {
            workers: Some(workers),
            ..Registry::default()
        })
    }

    /// Whether a worker is at this address.
    pub(super) async fn is_worker(&self, peer: IpAddr) -> bool {
        match &self.workers {
            Some(workers) => workers.look().await.addresses.contains(&peer),
            None => false,
        }
    }

    /// Opens the desk of a cluster, until the registration is dropped. A worker
    /// whose cluster's labels changed may still finish its last pass when its
    /// successor comes: announcements go to the newest.
    pub fn open(self: &Arc<Registry>, cluster: &str) -> Registration {
        let desk = Arc::new(Desk::default());
        let before = self.lock().insert(cluster.to_owned(), Arc::clone(&desk));
        if before.is_some() {
            info!(
                cluster,
                "another worker had this name: announcements go to the new one"
            );
        }
        Registration {
            registry: Arc::clone(self),
            cluster: cluster.to_owned(),
            desk,
        }
    }

    /// The desk of the cluster of this name.
    pub fn desk(&self, cluster: &str) -> Option<Arc<Desk>> {
        self.lock().get(cluster).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Desk>>> {
        // One call changes one entry: nothing can be half done.
        self.desks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Registry({:?})", self.lock().keys())
    }
}

/// A cluster's desk is open for as long as this lives.
#[derive(Debug)]
pub struct Registration {
    registry: Arc<Registry>,
    cluster: String,
    desk: Arc<Desk>,
}

impl Registration {
    /// The desk.
    pub fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut desks = self.registry.lock();
        let mine = |desk: &Arc<Desk>| Arc::ptr_eq(desk, &self.desk);
        if desks.get(&self.cluster).is_some_and(mine) {
            desks.remove(&self.cluster);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_desk_is_open_for_as_long_as_its_newest_worker() {
        let registry = Registry::new();
        assert!(registry.desk("db").is_none());
        let old = registry.open("db");
        let new = registry.open("db");
        drop(old);
        let found = registry.desk("db").unwrap();
        assert!(Arc::ptr_eq(&found, new.desk()));
        drop(new);
        assert!(registry.desk("db").is_none());
    }
}
