//! The Docker API as a witness: the swarm managers' task list. It leads DNS in both
//! directions, and knows slots, tasks and nodes.

mod address;
pub(crate) mod outside;
mod sightings;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use meshworker_core::{Grade, Report, Witness};

use super::Source;
use super::last::Last;
use crate::docker::{DockerClient, WakeUps};

/// What is kept of it, in bytes: the last report beside the new one.
pub(crate) const REPORTS: usize = 2 * sightings::MOST_LISTED * sightings::A_SIGHTING;

/// Which tasks are asked for, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DockerOptions {
    /// The service's full name, such as `stack_db`.
    pub service: String,
    /// The network that members and worker share, by name or id. None: the only
    /// overlay that each task is on, besides the routing mesh's.
    pub network: Option<String>,
    /// For how long one report may take, all requests together.
    pub deadline: Duration,
    /// How often [`Source::changed`] looks for itself, give or take a fifth:
    /// there are no events of tasks.
    pub watch_interval: Duration,
}

impl DockerOptions {
    /// The tasks of this service, with the usual times.
    pub fn of(service: impl Into<String>) -> DockerOptions {
        DockerOptions {
            service: service.into(),
            network: None,
            // A manager answers within milliseconds; one that waits for its
            // peers to elect a leader takes seconds, and knows nothing then.
            deadline: Duration::from_secs(2),
            // Most changes come with an event, and are looked for at once.
            watch_interval: Duration::from_secs(1),
        }
    }
}

/// The task list of one service as a witness.
pub struct DockerSource {
    client: Arc<DockerClient>,
    options: DockerOptions,
    last: Last<Report>,
}

impl DockerSource {
    /// A witness that asks this engine. Nothing is sent yet.
    pub fn new(client: Arc<DockerClient>, options: DockerOptions) -> DockerSource {
        client.watch(&options.service);
        DockerSource {
            client,
            options,
            last: Last::default(),
        }
    }

    async fn look(&self) -> Report {
        let DockerOptions {
            service,
            network,
            deadline,
            ..
        } = &self.options;
        match tokio::time::timeout(*deadline, self.client.listing()).await {
            Ok(Ok(listing)) => sightings::report(&listing, service, network.as_deref()),
            Ok(Err(why)) => Report::unknown(Witness::Docker, why.grade()),
            Err(_) => Report::unknown(Witness::Docker, Grade::Timeout),
        }
    }
}

impl Drop for DockerSource {
    fn drop(&mut self) {
        self.client.unwatch(&self.options.service);
    }
}

impl Source for DockerSource {
    fn witness(&self) -> Witness {
        Witness::Docker
    }

    fn report(&self) -> BoxFuture<'_, Report> {
        self.look().map(|report| self.last.now(report)).boxed()
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        async {
            let mut wake_ups = WakeUps::new(&self.client, self.options.watch_interval);
            loop {
                wake_ups.next().await;
                if !self.last.is(&self.look().await) {
                    return;
                }
            }
        }
        .boxed()
    }
}

#[cfg(test)]
pub(crate) mod tests;
