//! One engine, asked on behalf of all clusters of this process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bollard::{BollardRequest, ClientVersion, Docker};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use hyper::body::Bytes;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::events::Events;
use super::listed::Listed;
use super::model::{MOST, Node, Service, Task};
use super::sightings::Listing;
use super::{DockerError, Endpoint};

/// A listing waits so long before it begins: all clusters that wake up together
/// share it. One that was begun before somebody asks is an old report to them.
const GATHER: Duration = Duration::from_millis(2);

/// The longest answer that is read: a thousand members with the five last tasks of
/// each slot take three quarters of it. The list of tasks is the only long one.
pub(super) const LONGEST_ANSWER: usize = 16 << 20;

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
    pub(super) events: Events,
}

/// What a list is restricted to: for each key, any of these values.
pub(super) type Filters<'a> = BTreeMap<&'a str, Vec<&'a str>>;

#[derive(Clone)]
struct Connection {
    docker: Docker,
    version: ClientVersion,
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
    pub(super) fn watch(&self, service: &str) {
        *self.watched().entry(service.to_owned()).or_default() += 1;
    }

    /// Takes back one [`DockerClient::watch`].
    pub(super) fn unwatch(&self, service: &str) {
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
    pub(super) async fn listing(&self) -> Result<Arc<Listing>, DockerError> {
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
        let by_name = filter("name", names.iter().map(String::as_str));
        let mut services = self.lists::<Service>("/services", &by_name).await?;
        // The filter takes every service that begins with a name.
        services.retain(|service| names.contains(&service.spec.name));
        if services.is_empty() {
            // Without a filter the engine would list everybody's tasks.
            return Ok(Listing::default());
        }
        let by_service = filter("service", services.iter().map(|s| s.id.as_str()));
        let everything = Filters::new();
        // One after the other: one of the longest fits into the memory.
        let tasks = self.lists::<Task>("/tasks", &by_service).await?;
        let nodes = self.lists::<Node>("/nodes", &everything).await?;
        Ok(Listing {
            services,
            tasks,
            nodes,
        })
    }

    /// The services that carry this label with this value.
    ///
    /// # Errors
    ///
    /// When the engine gave no answer.
    pub(super) async fn labelled(&self, label: &str) -> Result<Vec<Service>, DockerError> {
        self.lists("/services", &filter("label", [label])).await
    }

    /// What comes in answer to this question, as it comes: for a subscription,
    /// which has no end.
    pub(super) async fn parts(
        &self,
        path: &str,
        filters: &Filters<'_>,
    ) -> Result<BoxStream<'static, Result<Bytes, DockerError>>, DockerError> {
        let Connection { docker, version } = self.connection().await?;
        let target = target(path, filters)?;
        let docker = docker.with_request_modifier(move |request| aim(request, version, &target));
        let endpoint = self.endpoint.clone();
        let parts = docker.export_container("none");
        let parts = parts.map_err(move |error| endpoint.failure(&error));
        Ok(parts.boxed())
    }

    async fn connection(&self) -> Result<Connection, DockerError> {
        let mut connection = self.connection.lock().await;
        if let Some(connection) = connection.as_ref() {
            return Ok(connection.clone());
        }
        let docker = self.endpoint.connect()?.negotiate_version().await;
        let docker = docker.map_err(|error| self.endpoint.failure(&error))?;
        let version = docker.client_version();
        tracing::debug!(%version, "the Docker API's version is agreed on");
        let agreed = Connection { docker, version };
        *connection = Some(agreed.clone());
        Ok(agreed)
    }

    async fn lists<T: DeserializeOwned>(
        &self,
        path: &str,
        filters: &Filters<'_>,
    ) -> Result<Vec<T>, DockerError> {
        let Listed(entries) = self.get::<Listed<T, MOST>>(path, filters).await?;
        Ok(entries)
    }

    /// What the engine answers to a question that changes nothing.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        filters: &Filters<'_>,
    ) -> Result<T, DockerError> {
        let answer = self.fetch(path, filters).await;
        if answer.is_err() {
            *self.connection.lock().await = None;
        }
        Ok(serde_json::from_slice(&answer?)?)
    }

    async fn fetch(&self, path: &str, filters: &Filters<'_>) -> Result<Vec<u8>, DockerError> {
        self.exchange(target(path, filters)?, None).await
    }

    /// What the engine answers; with a body, to a request that changes something.
    pub(super) async fn exchange(
        &self,
        target: String,
        body: Option<Vec<u8>>,
    ) -> Result<Vec<u8>, DockerError> {
        let Connection { docker, version } = self.connection().await?;
        // bollard offers an answer's bytes for few requests only. This is one
        // of them, and its modifier says what is really asked for.
        let answer = docker
            .with_request_modifier(move |request| {
                let mut request = aim(request, version, &target);
                if let Some(body) = &body {
                    *request.method_mut() = Method::POST;
                    let json = HeaderValue::from_static("application/json");
                    request.headers_mut().insert(CONTENT_TYPE, json);
                    *request.body_mut() = bollard::body_full(body.clone().into());
                }
                request
            })
            .export_container("none");
        let mut answer = std::pin::pin!(answer);
        let mut bytes = Vec::new();
        while let Some(part) = answer.next().await {
            let part = part.map_err(|error| self.endpoint.failure(&error))?;
            if bytes.len() + part.len() > LONGEST_ANSWER {
                return Err(DockerError::TooLong(LONGEST_ANSWER));
            }
            // No more than needed: at its longest it would not fit twice.
            bytes.reserve_exact(part.len());
            bytes.extend_from_slice(&part);
        }
        Ok(bytes)
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
        target.push_str(&escaped(&serde_json::to_string(filters)?));
    }
    Ok(target)
}

/// The same request for something else, in the version that was agreed on,
/// which bollard itself leaves out.
fn aim(mut request: BollardRequest, version: ClientVersion, target: &str) -> BollardRequest {
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = format!("/v{version}{target}").parse().ok();
    if let Ok(uri) = parts.try_into() {
        *request.uri_mut() = uri;
    }
    request
}

pub(super) fn filter<'a>(key: &'a str, values: impl IntoIterator<Item = &'a str>) -> Filters<'a> {
    Filters::from([(key, values.into_iter().collect())])
}

/// Fit to stand in a query.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                escaped.push(char::from(byte));
            }
            other => escaped.push_str(&format!("%{other:02X}")),
        }
    }
    escaped
}
