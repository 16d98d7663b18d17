//! The desks of all clusters of this process.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use std::time::Duration;

use tokio::time::Instant;
use tracing::info;

use super::Desk;
use super::held::Held;
use crate::witness::Whereabouts;

/// For so long an answer on where the workers are does for whoever comes next: a worker
/// that is new there asks again each half second.
const FRESH: Duration = Duration::from_secs(1);

/// The desks of all clusters of this process, by the clusters' names.
#[derive(Default)]
pub struct Registry {
    desks: Mutex<BTreeMap<String, Arc<Desk>>>,
    /// Where the workers are, for what they ask of each other.
    workers: Option<Workers>,
    pub(super) held: Held,
}

/// Where the workers are. However many announcements come from elsewhere, one question
/// at a time is asked because of them, and at most one a second.
struct Workers {
    place: Whereabouts,
    last: tokio::sync::Mutex<Option<(Instant, Vec<IpAddr>)>>,
}

impl Workers {
    /// May be cancelled: then the next in line asks.
    async fn are_at(&self, address: IpAddr) -> bool {
        let mut last = self.last.lock().await;
        if let Some((heard, addresses)) = last.as_ref()
            && heard.elapsed() < FRESH
        {
            return addresses.contains(&address);
        }
        let found = self.place.look().await.addresses;
        let (_, addresses) = last.insert((Instant::now(), found));
        addresses.contains(&address)
    }
}

impl Registry {
    /// No cluster yet.
    pub fn new() -> Arc<Registry> {
        Arc::default()
    }

    /// The same, of one of the workers at this place: what they say of members on
    /// an operator's order is believed.
    pub fn among(workers: Whereabouts) -> Arc<Registry> {
        let workers = Workers {
            place: workers,
            last: tokio::sync::Mutex::default(),
        };
        Arc::new(Registry {
            workers: Some(workers),
            ..Registry::default()
        })
    }

    /// Whether a worker is at this address.
    pub(super) async fn is_worker(&self, peer: IpAddr) -> bool {
        match &self.workers {
            Some(workers) => workers.are_at(peer).await,
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
        self.desk.close();
    }
}

#[cfg(test)]
mod tests {
    use fake_dns::{Behaviour, FakeDns};
    use futures_util::future::join_all;

    use super::*;
    use crate::config::IpFamily;
    use crate::witness::DnsOptions;

    /// Each announcement from another address asked the name server anew.
    #[tokio::test]
    async fn every_announcement_from_elsewhere_was_a_question_for_the_name_server() {
        let dns = FakeDns::start().await.unwrap();
        let worker = IpAddr::from([10, 0, 1, 3]);
        dns.set("workers", Behaviour::answer(["10.0.1.3"]));
        let options = DnsOptions {
            name_servers: Some(vec![dns.address()]),
            family: IpFamily::V4,
            ..DnsOptions::default()
        };
        let place = Whereabouts::new("workers", options).unwrap();
        let registry = Registry::among(place);
        // Beside the workers' name a look may ask for nobody's, and each once more where
        // an answer was late.
        let few = |before: usize| (before..=before + 8).contains(&dns.counts().udp);
        assert!(registry.is_worker(worker).await);
        let stranger = IpAddr::from([10, 0, 1, 66]);
        let many = (0..500).map(|_| registry.is_worker(stranger));
        assert!(join_all(many).await.iter().all(|is_worker| !is_worker));
        assert!(few(0), "{:?}", dns.counts());
        let before = dns.counts().udp;
        tokio::time::pause();
        tokio::time::advance(FRESH).await;
        tokio::time::resume();
        dns.set("workers", Behaviour::answer(["10.0.1.3", "10.0.1.66"]));
        let many = (0..500).map(|_| registry.is_worker(stranger));
        assert!(join_all(many).await.iter().all(|is_worker| *is_worker));
        assert!(few(before + 1), "{before} {:?}", dns.counts());
    }

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
