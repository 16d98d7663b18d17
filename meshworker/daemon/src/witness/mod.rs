//! The discovery witnesses: who is there, as DNS and the Docker API say.
//!
//! A witness reports what it sees and how good its sight is; what follows from
//! that is the core's business. None of them decides, and none remembers more
//! than what it reported last, which it needs to notice a change.

pub(crate) mod dns;
pub(crate) mod docker;
mod place;
mod unusable;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use meshworker_core::{Report, Witness};

use crate::config::Cluster;
use crate::docker::DockerClient;

pub use dns::{DnsOptions, DnsSource, InvalidName};
pub use docker::{DockerOptions, DockerSource};
pub use place::{Found, Place};

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

/// The witnesses of a cluster: DNS always, the Docker API where there is one.
pub fn sources(cluster: &Cluster) -> Vec<Arc<dyn Source>> {
    let options = DnsOptions::of(&cluster.dns);
    let dns: Arc<dyn Source> = match DnsSource::new(&cluster.dns.name, options) {
        Ok(source) => Arc::new(source),
        Err(why) => Arc::new(unusable::Unusable::new(Witness::Dns, why.to_string())),
    };
    let mut sources = vec![dns];
    if let Some(docker) = &cluster.docker {
        let options = DockerOptions {
            network: docker.network.clone(),
            ..DockerOptions::of(&docker.service)
        };
        sources.push(match DockerClient::shared() {
            Ok(client) => Arc::new(DockerSource::new(client, options)),
            Err(why) => Arc::new(unusable::Unusable::new(Witness::Docker, why.to_string())),
        });
    }
    sources
}
