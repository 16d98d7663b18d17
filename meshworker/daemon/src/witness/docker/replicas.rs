//! How many replicas a service is meant to have: the one thing that is ever
//! changed through the Docker API, and only on an operator's explicit word.

use std::sync::Arc;

use serde_json::Value;

use super::client::filter;
use super::{DockerClient, DockerError};

/// The number of replicas of one service.
pub struct Replicas {
    client: Arc<DockerClient>,
    service: String,
}

/// A service as the engine has it at this moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// How many replicas it is meant to have.
    pub replicas: u64,
    id: String,
    version: u64,
    /// The whole specification, as it came: whatever this program does not know
    /// must go back unchanged.
    spec: Value,
}

impl Replicas {
    /// Those of the service with this full name. Nothing is sent yet.
    pub fn of(client: Arc<DockerClient>, service: impl Into<String>) -> Replicas {
        Replicas {
            client,
            service: service.into(),
        }
    }

    /// How many there are meant to be now.
    ///
    /// # Errors
    ///
    /// The engine gave no answer, or has no replicated service of this name.
    pub async fn read(&self) -> Result<Wanted, DockerError> {
        let by_name = filter("name", [self.service.as_str()]);
        let found: Vec<Value> = self.client.get("/services", &by_name).await?;
        found
            .into_iter()
            .find(|found| {
                found.pointer("/Spec/Name").and_then(Value::as_str) == Some(&self.service)
            })
            .and_then(wanted)
            .ok_or_else(|| DockerError::NotReplicated(self.service.clone()))
    }

    /// Makes it so many. The engine refuses when anybody has changed the service
    /// since it was read.
    ///
    /// # Errors
    ///
    /// The engine gave no answer, or refused.
    pub async fn set(&self, found: &Wanted, replicas: u64) -> Result<(), DockerError> {
        let mut spec = found.spec.clone();
        if let Some(number) = spec.pointer_mut("/Mode/Replicated/Replicas") {
            *number = replicas.into();
        }
        let target = format!("/services/{}/update?version={}", found.id, found.version);
        self.client
            .exchange(target, Some(serde_json::to_vec(&spec)?))
            .await
            .map(drop)
    }
}

fn wanted(mut service: Value) -> Option<Wanted> {
    let spec = service.pointer_mut("/Spec")?.take();
    Some(Wanted {
        replicas: spec.pointer("/Mode/Replicated/Replicas")?.as_u64()?,
        id: service.pointer("/ID")?.as_str()?.to_owned(),
        version: service.pointer("/Version/Index")?.as_u64()?,
        spec,
    })
}
