//! Looks where the workers' name leads.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use meshworker_group::Listing;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::Settings;
use super::shared::Shared;
use crate::config::Surroundings;
use crate::docker::{self, DockerClient};
use crate::kubernetes::{KubernetesClient, KubernetesError};
use crate::witness::Whereabouts;

/// A group that is not whole looks so often; one at rest as often as the other.
const SOON: Duration = Duration::from_millis(500);
const CALM: Duration = Duration::from_secs(2);

/// An orchestrator that gives no answer in this time gives none.
const ORCHESTRATOR: Duration = Duration::from_secs(2);

/// Who knows how many workers there are meant to be.
enum Replicas {
    Docker(docker::Replicas),
    Kubernetes(Arc<KubernetesClient>, String),
}

impl Replicas {
    /// Those of the service of this name, as far as an orchestrator can be asked here.
    fn here(service: &str) -> Option<Replicas> {
        let around = Surroundings::here();
        if around.docker {
            let client = DockerClient::shared().ok()?;
            return Some(Replicas::Docker(docker::Replicas::of(client, service)));
        }
        if around.namespace.is_some() {
            let client = KubernetesClient::shared().ok()?;
            return Some(Replicas::Kubernetes(client, service.to_owned()));
        }
        None
    }

    /// How many; or whether that may be known later.
    async fn read(&self) -> Result<u64, bool> {
        match self {
            Replicas::Docker(replicas) => {
                let found = replicas.read().await;
                found
                    .map(|found| found.replicas)
                    .map_err(|why| !why.is_lasting())
            }
            // Its scale says the same, and takes a right that only scaling needs.
            Replicas::Kubernetes(client, set) => {
                let found = client.statefulset(set).await;
                found
                    .map(|found| found.replicas())
                    .map_err(|why: KubernetesError| !why.is_final())
            }
        }
    }
}

/// Looks where the workers' name leads, and how many there are meant to be.
pub(super) struct Seeker {
    place: Whereabouts,
    own: Option<IpAddr>,
    replicas: Option<Replicas>,
}

impl Seeker {
    /// Looks for the workers at this name.
    ///
    /// # Errors
    ///
    /// It can be none.
    pub(super) fn new(settings: &Settings) -> Result<Seeker, String> {
        let name = &settings.workers;
        let place = Whereabouts::new(name, settings.dns.clone())
            .map_err(|why| format!("found '{name}': {why}"))?;
        let service = settings.service.as_ref();
        let replicas = service.and_then(|service| Replicas::here(service));
        Ok(Seeker {
            place,
            own: super::own(settings),
            replicas,
        })
    }

    /// Tells what it sees whenever that changes, for ever.
    pub(super) async fn run(self, told: watch::Sender<Option<Listing>>, shared: Arc<Shared>) {
        loop {
            let before = told.borrow().clone();
            let seen = self.look(before.as_ref()).await;
            told.send_if_modified(|last| {
                let news = last.as_ref() != Some(&seen);
                *last = Some(seen);
                news
            });
            let status = shared.status();
            let whole = status.leader.is_some() && status.members.iter().all(|one| one.answers);
            sleep(if whole { CALM } else { SOON }).await;
        }
    }

    /// What it sees; nothing new where the name server gives no answer: that is nobody's
    /// absence.
    async fn look(&self, before: Option<&Listing>) -> Listing {
        let found = self.place.look().await;
        let unanswered = found.addresses.is_empty() && !found.gone;
        let found: BTreeSet<IpAddr> = found.addresses.into_iter().collect();
        let own = self.addresses();
        let (wanted, blind) = match &self.replicas {
            None => (None, false),
            Some(replicas) => match timeout(ORCHESTRATOR, replicas.read()).await {
                // Where none is wished for all go, and nobody's number follows from it.
                Ok(Ok(found)) => (usize::try_from(found).ok().filter(|all| *all > 0), false),
                Ok(Err(later)) => (None, later),
                Err(_) => (None, true),
            },
        };
        let others = match before.filter(|_| unanswered) {
            Some(before) => before.others.clone(),
            None => found.difference(&own).copied().collect(),
        };
        Listing {
            whole: own.iter().any(|address| found.contains(address)),
            others,
            wanted,
            blind,
        }
    }

    /// Under which addresses this worker could be listed.
    fn addresses(&self) -> BTreeSet<IpAddr> {
        match self.own {
            Some(own) => [own].into(),
            None => {
                let all = if_addrs::get_if_addrs().unwrap_or_default();
                all.iter().map(if_addrs::Interface::ip).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use fake_kubernetes::FakeApi;

    use super::*;
    use crate::kubernetes::tests::client;

    /// They asked for the scale, which the manifests let nobody read.
    #[tokio::test]
    async fn workers_that_may_read_a_statefulset_and_not_its_scale_did_not_know_their_number() {
        let api = FakeApi::start().await;
        api.world.statefulset("meshworker", 3);
        api.world.forbid("/scale");
        let replicas = Replicas::Kubernetes(client(&api), "meshworker".into());
        assert_eq!(replicas.read().await, Ok(3));
        api.world.forbid("/statefulsets");
        assert_eq!(replicas.read().await, Err(false), "for good");
    }
}
