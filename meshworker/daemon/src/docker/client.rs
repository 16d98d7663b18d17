//! One engine, asked on behalf of all clusters of this process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::{BoxStream, try_unfold};
use hyper::body::Bytes;
use meshworker_engines::quoted;
use serde::Deserialize;
use tokio::sync::MutexGuard;
use tokio::time::Instant;

use super::events::Events;
use super::listed::{Budget, Weighs};
use super::model::{Listing, Node, Service, Task};
use super::wire::{LONGEST_ANSWER, NEWEST, SHORT_ANSWER, Version, Wire};
use super::{DockerError, Endpoint};

/// A listing waits so long before it begins: all clusters that wake up together
/// share it. One that was begun before somebody asks is an old report to them.
const GATHER: Duration = Duration::from_millis(2);

/// So many bytes are kept of one listing: a thousand members that are updated all at
/// once, each on two networks besides the routing mesh's, take three quarters of it.
pub(crate) const KEPT: usize = 6 << 20;

/// So many bytes are kept of the labels of all services.
pub(super) const LABELS: usize = 1 << 19;

/// For how long one answer may take. Whoever asks for a report waits for less.
const PATIENCE: Duration = Duration::from_secs(30);

/// The engine of this process, as long as anybody uses it.
static SHARED: Mutex<Weak<DockerClient>> = Mutex::new(Weak::new());

/// One engine, asked on behalf of all clusters of this process: one set of
/// requests and one subscription serve them all.
pub struct DockerClient {
    endpoint: Endpoint,
    /// None before the first request and after each failure, so that a restarted
    /// engine of another version is asked in its own one.
    connection: tokio::sync::Mutex<Option<Connection>>,
    /// The services that are asked for, and by how many witnesses each.
    watched: Mutex<BTreeMap<String, usize>>,
    latest: tokio::sync::Mutex<Option<Latest>>,
    /// Whoever reads a long answer: there is memory for one.
    pub(crate) long: tokio::sync::Mutex<()>,
    pub(super) events: Events,
}

/// What a list is restricted to: for each key, any of these values.
pub(crate) type Filters<'a> = BTreeMap<&'a str, Vec<&'a str>>;

#[derive(Clone)]
struct Connection {
    wire: Wire,
    version: Version,
}

/// What the engine answered, and the turn that reading it took, if it is long.
pub(crate) struct Fetched<'c> {
    pub(super) bytes: Vec<u8>,
    _turn: Option<MutexGuard<'c, ()>>,
}

struct Latest {
    begun: Instant,
    services: BTreeSet<String>,
    listing: Arc<Listing>,
}

impl DockerClient {
    /// A client of this engine. Nothing is sent yet.
    pub fn new(endpoint: Endpoint) -> DockerClient {
        DockerClient {
            endpoint,
            connection: tokio::sync::Mutex::new(None),
            watched: Mutex::new(BTreeMap::new()),
            latest: tokio::sync::Mutex::new(None),
            long: tokio::sync::Mutex::new(()),
            events: Events::new(),
        }
    }

    /// The one client of this process, for the engine that the environment names.
    ///
    /// # Errors
    ///
    /// When the environment names an engine that cannot be used.
    pub fn shared() -> Result<Arc<DockerClient>, DockerError> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = shared.upgrade() {
            return Ok(client);
        }
        let client = Arc::new(DockerClient::new(Endpoint::of_the_environment()?));
        *shared = Arc::downgrade(&client);
        Ok(client)
    }

    /// Adds a service to those that [`DockerClient::listing`] asks for.
    pub(crate) fn watch(&self, service: &str) {
        *self.watched().entry(service.to_owned()).or_default() += 1;
    }

    /// Takes back one [`DockerClient::watch`].
    pub(crate) fn unwatch(&self, service: &str) {
        let mut watched = self.watched();
        if let Some(witnesses) = watched.get_mut(service) {
            *witnesses -= 1;
            if *witnesses == 0 {
                watched.remove(service);
            }
        }
    }

    /// The watched services, their tasks, and the swarm nodes: the latest
    /// listing when it was begun after this question, or a new one.
    ///
    /// # Errors
    ///
    /// When any of the three could not be had.
    pub(crate) async fn listing(&self) -> Result<Arc<Listing>, DockerError> {
        let asked = Instant::now();
        let services = self.names();
        let mut latest = self.latest.lock().await;
        if let Some(latest) = latest.as_ref()
            && latest.begun >= asked
            && latest.services.is_superset(&services)
        {
            return Ok(Arc::clone(&latest.listing));
        }
        tokio::time::sleep(GATHER).await;
        // Read again: more may have come while another listing was waited for.
        let services = self.names();
        let begun = Instant::now();
        // Whoever asks after this wants a newer one; there is memory for one.
        *latest = None;
        let listing = Arc::new(self.list(&services).await?);
        *latest = Some(Latest {
            begun,
            services,
            listing: Arc::clone(&listing),
        });
        Ok(listing)
    }

    async fn list(&self, names: &BTreeSet<String>) -> Result<Listing, DockerError> {
        let mut kept = Budget::of(KEPT);
        let by_name = filter("name", names.iter().map(String::as_str));
        // The filter takes every service that begins with a name.
        let ours = |service: Service| {
            let is_ours = names.contains(&service.spec.name);
            is_ours.then(|| service.without_labels())
        };
        let services = self.keep("/services", &by_name, &mut kept, ours).await?;
        if services.is_empty() {
            // Without a filter the engine would list everybody's tasks.
            return Ok(Listing::default());
        }
        let by_service = filter("service", services.iter().map(|s| s.id.as_str()));
        let everything = Filters::new();
        let there = |task: Task| (!task.is_over()).then_some(task);
        Ok(Listing {
            tasks: self.keep("/tasks", &by_service, &mut kept, there).await?,
            nodes: self
                .keep("/nodes", &everything, &mut kept, Some::<Node>)
                .await?,
            services,
        })
    }

    /// The services that carry this label with this value.
    ///
    /// # Errors
    ///
    /// When the engine gave no answer.
    pub(crate) async fn labelled(&self, label: &str) -> Result<Vec<Service>, DockerError> {
        let mut kept = Budget::of(LABELS);
        let labelled = filter("label", [label]);
        self.keep("/services", &labelled, &mut kept, Some).await
    }

    /// What is to be kept of a list.
    async fn keep<T: for<'de> Deserialize<'de>, U: Weighs>(
        &self,
        path: &str,
        filters: &Filters<'_>,
        budget: &mut Budget,
        keep: impl FnMut(T) -> Option<U>,
    ) -> Result<Vec<U>, DockerError> {
        let answer = self.get(path, filters).await?;
        Ok(budget.read(&answer.bytes, keep)?)
    }

    /// What comes in answer to this question, as it comes: for a subscription,
    /// which has no end.
    pub(super) async fn parts(
        &self,
        path: &str,
        filters: &Filters<'_>,
    ) -> Result<BoxStream<'static, Result<Bytes, DockerError>>, DockerError> {
        let Connection { wire, version } = self.connection().await?;
        let target = format!("/v{version}{}", target(path, filters)?);
        let answer = wire.ask(&target, None).await?;
        let parts = try_unfold(answer, async |mut answer| {
            let part = answer.next().await?;
            Ok(part.map(|part| (part, answer)))
        });
        Ok(parts.boxed())
    }

    async fn connection(&self) -> Result<Connection, DockerError> {
        #[derive(Deserialize)]
        struct Known {
            #[serde(rename = "ApiVersion")]
            version: String,
        }
        let mut connection = self.connection.lock().await;
        if let Some(connection) = connection.as_ref() {
            return Ok(connection.clone());
        }
        let wire = Wire::to(&self.endpoint)?;
        let Fetched { bytes, .. } = self.read(&wire, "/version", None, SHORT_ANSWER).await?;
        let Known { version } = serde_json::from_slice(&bytes)?;
        let version = version.parse().unwrap_or(NEWEST).min(NEWEST);
        tracing::debug!(%version, "the Docker API's version is agreed on");
        let agreed = Connection { wire, version };
        *connection = Some(agreed.clone());
        Ok(agreed)
    }

    /// What the engine answers to a question that changes nothing.
    pub(crate) async fn get(
        &self,
        path: &str,
        filters: &Filters<'_>,
    ) -> Result<Fetched<'_>, DockerError> {
        let answer = self.exchange(&target(path, filters)?, None).await;
        if answer.is_err() {
            *self.connection.lock().await = None;
        }
        answer
    }

    /// What the engine answers; with a body, to a request that changes something.
    pub(super) async fn exchange(
        &self,
        target: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Fetched<'_>, DockerError> {
        let asking = async {
            let Connection { wire, version } = self.connection().await?;
            let target = format!("/v{version}{target}");
            self.read(&wire, &target, body, LONGEST_ANSWER).await
        };
        let answer = tokio::time::timeout(PATIENCE, asking).await;
        answer.unwrap_or(Err(DockerError::Timeout))
    }

    async fn read(
        &self,
        wire: &Wire,
        target: &str,
        body: Option<Vec<u8>>,
        longest: usize,
    ) -> Result<Fetched<'_>, DockerError> {
        let mut answer = wire.ask(target, body).await?;
        let mut bytes = Vec::new();
        let mut turn = None;
        while let Some(part) = answer.next().await? {
            let length = bytes.len() + part.len();
            if length > longest {
                return Err(DockerError::TooLong(longest));
            }
            if length > SHORT_ANSWER && turn.is_none() {
                turn = Some(self.long.lock().await);
            }
            // No more than needed: at its longest it would not fit twice.
            bytes.reserve_exact(part.len());
            bytes.extend_from_slice(&part);
        }
        Ok(Fetched { bytes, _turn: turn })
    }

    fn names(&self) -> BTreeSet<String> {
        self.watched().keys().cloned().collect()
    }

    fn watched(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, usize>> {
        // One number changes at a time: nothing can be half done.
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A path with its filters.
fn target(path: &str, filters: &Filters<'_>) -> Result<String, DockerError> {
    let mut target = path.to_owned();
    if !filters.is_empty() {
        target.push_str("?filters=");
        target.push_str(&quoted(&serde_json::to_string(filters)?));
    }
    Ok(target)
}

pub(super) fn filter<'a>(key: &'a str, values: impl IntoIterator<Item = &'a str>) -> Filters<'a> {
    Filters::from([(key, values.into_iter().collect())])
}
