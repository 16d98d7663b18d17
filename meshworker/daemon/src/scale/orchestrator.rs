//! Whom a service's replicas are changed through.

use std::sync::Arc;

use crate::docker::{self, DockerClient};
use crate::kubernetes::{self, KubernetesClient};
use crate::witness::{DockerOptions, DockerSource, KubernetesOptions, KubernetesSource, Source};

/// Whom a service's replicas are changed through.
pub enum Orchestrator {
    /// Docker Swarm, and the network that members and workers share.
    Docker(Arc<DockerClient>, Option<String>),
    /// Kubernetes, where the service is a StatefulSet of this pod's namespace.
    Kubernetes(Arc<KubernetesClient>),
}

/// The number of replicas of one service.
pub(super) enum Replicas {
    Docker(docker::Replicas),
    Kubernetes(kubernetes::Replicas),
}

/// A service as the orchestrator has it at this moment.
pub(super) enum Wanted {
    Docker(docker::Wanted),
    Kubernetes(kubernetes::Wanted),
}

/// Why the orchestrator did not do it.
#[derive(Debug)]
pub(super) struct Refused {
    /// For people.
    pub(super) words: String,
    /// Whether only a human can help.
    pub(super) is_final: bool,
}

impl Orchestrator {
    /// The replicas of this service, and the list of its tasks or pods.
    pub(super) fn of(&self, service: &str) -> (Replicas, Arc<dyn Source>) {
        match self {
            Orchestrator::Docker(client, network) => {
                let options = DockerOptions {
                    network: network.clone(),
                    ..DockerOptions::of(service)
                };
                let replicas = docker::Replicas::of(Arc::clone(client), service);
                let tasks = DockerSource::new(Arc::clone(client), options);
                (Replicas::Docker(replicas), Arc::new(tasks))
            }
            Orchestrator::Kubernetes(client) => {
                let replicas = kubernetes::Replicas::of(Arc::clone(client), service);
                let options = KubernetesOptions::of(service);
                let pods = KubernetesSource::new(Arc::clone(client), options);
                (Replicas::Kubernetes(replicas), Arc::new(pods))
            }
        }
    }
}

impl Replicas {
    /// How many there are meant to be now.
    pub(super) async fn read(&self) -> Result<Wanted, Refused> {
        match self {
            Replicas::Docker(replicas) => {
                let found = replicas.read().await;
                found.map(Wanted::Docker).map_err(Refused::from)
            }
            Replicas::Kubernetes(replicas) => {
                let found = replicas.read().await;
                found.map(Wanted::Kubernetes).map_err(Refused::from)
            }
        }
    }

    /// Makes it so many, unless anybody has changed that since it was read.
    pub(super) async fn set(&self, found: &Wanted, replicas: u64) -> Result<(), Refused> {
        match (self, found) {
            (Replicas::Docker(service), Wanted::Docker(found)) => {
                service.set(found, replicas).await.map_err(Refused::from)
            }
            (Replicas::Kubernetes(set), Wanted::Kubernetes(found)) => {
                set.set(found, replicas).await.map_err(Refused::from)
            }
            // What was read elsewhere says nothing here.
            _ => Ok(()),
        }
    }
}

impl Wanted {
    pub(super) fn replicas(&self) -> u64 {
        match self {
            Wanted::Docker(found) => found.replicas,
            Wanted::Kubernetes(found) => found.replicas,
        }
    }
}

impl From<docker::DockerError> for Refused {
    fn from(error: docker::DockerError) -> Refused {
        Refused {
            words: error.words(),
            is_final: error.is_in_vain(),
        }
    }
}

impl From<kubernetes::KubernetesError> for Refused {
    fn from(error: kubernetes::KubernetesError) -> Refused {
        Refused {
            words: error.to_string(),
            is_final: error.is_final(),
        }
    }
}
