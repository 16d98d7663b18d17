//! The discovery witnesses: who is there, as DNS and the Docker API say.
//!
//! A witness reports what it sees and how good its sight is; what follows from
//! that is the core's business. None of them decides, and none remembers more
//! than what it reported last, which it needs to notice a change.

pub(crate) mod dns;
pub(crate) mod docker;
pub(crate) mod kubernetes;
mod last;
mod together;
mod unusable;
mod whereabouts;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use meshworker_core::{Report, Witness};

use crate::config::Cluster;
use crate::docker::DockerClient;
use crate::kubernetes::KubernetesClient;

pub use dns::{DnsOptions, DnsSource, InvalidName};
pub use docker::{DockerOptions, DockerSource};
pub use kubernetes::{KubernetesOptions, KubernetesSource};
use together::Together;
pub use whereabouts::{Found, Whereabouts};

/// A source that says who is there.
pub trait Source: Send + Sync {
    /// Who speaks.
    fn witness(&self) -> Witness;

    /// What this witness says now. Never fails: a failure is a grade. Bounded
    /// by a deadline of its own; may be cancelled.
    fn report(&self) -> BoxFuture<'_, Report>;

    /// Resolves when the last report may no longer hold; never carries the
    /// change itself. May be cancelled and called again: a change in between is
    /// not missed, because the comparison is always with the last report.
    fn changed(&self) -> BoxFuture<'_, ()>;
}

/// The witnesses of a cluster: DNS always, the API of Docker or Kubernetes where there is one.
pub fn sources(cluster: &Cluster) -> Vec<Arc<dyn Source>> {
    let dns = |name: &String| -> (String, Arc<dyn Source>) {
        let source: Arc<dyn Source> = match DnsSource::new(name, DnsOptions::of(&cluster.dns)) {
            Ok(source) => Arc::new(source),
            Err(why) => Arc::new(unusable::Unusable::new(Witness::Dns, why.to_string())),
        };
        (name.clone(), source)
    };
    let dns = cluster.dns.names.iter().map(dns).collect();
    let mut sources = vec![Together::of(Witness::Dns, dns)];
    if let Some(docker) = &cluster.docker {
        let tasks = |(position, service): (usize, &String)| -> (String, Arc<dyn Source>) {
            let options = DockerOptions {
                network: docker.network.clone(),
                ..DockerOptions::of(service)
            };
            let source: Arc<dyn Source> = match DockerClient::shared() {
                Ok(client) => Arc::new(DockerSource::new(client, options)),
                Err(why) => Arc::new(unusable::Unusable::new(Witness::Docker, why.to_string())),
            };
            let named = part_of(cluster, position, docker.services.len());
            (named.unwrap_or(service).clone(), source)
        };
        let tasks = docker.services.iter().enumerate().map(tasks).collect();
        sources.push(Together::of(Witness::Docker, tasks));
    }
    if let Some(kubernetes) = &cluster.kubernetes {
        let pods = |(position, set): (usize, &String)| -> (String, Arc<dyn Source>) {
            let options = KubernetesOptions {
                required: kubernetes.required,
                ..KubernetesOptions::of(set)
            };
            let source: Arc<dyn Source> = match KubernetesClient::shared() {
                Ok(client) => Arc::new(KubernetesSource::new(client, options)),
                Err(why) => Arc::new(unusable::Unusable::new(
                    Witness::Kubernetes,
                    why.to_string(),
                )),
            };
            let named = part_of(cluster, position, kubernetes.statefulsets.len());
            (named.unwrap_or(set).clone(), source)
        };
        let pods = kubernetes
            .statefulsets
            .iter()
            .enumerate()
            .map(pods)
            .collect();
        sources.push(Together::of(Witness::Kubernetes, pods));
    }
    sources
}

/// The name of a part, which it has whoever speaks of it: its DNS name, where a list names as
/// many of them.
fn part_of(cluster: &Cluster, position: usize, listed: usize) -> Option<&String> {
    let names = &cluster.dns.names;
    names.get(position).filter(|_| names.len() == listed)
}
