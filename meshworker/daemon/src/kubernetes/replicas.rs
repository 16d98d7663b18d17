//! How many pods a StatefulSet is meant to have: the one thing that is ever changed through
//! the API, and only on an operator's explicit word.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{KubernetesClient, KubernetesError};

/// The number of replicas of one StatefulSet.
pub struct Replicas {
    client: Arc<KubernetesClient>,
    set: String,
}

/// A StatefulSet's scale as the API has it at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// How many replicas it is meant to have.
    pub replicas: u64,
    version: String,
}

#[derive(Deserialize)]
struct Scale {
    metadata: Version,
    #[serde(default)]
    spec: Spec,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    resource_version: String,
}

#[derive(Deserialize, Default)]
struct Spec {
    /// Not said where it is 0.
    #[serde(default)]
    replicas: u64,
}

impl Replicas {
    /// Those of the StatefulSet with this name. Nothing is sent yet.
    pub fn of(client: Arc<KubernetesClient>, set: impl Into<String>) -> Replicas {
        Replicas {
            client,
            set: set.into(),
        }
    }

    /// How many there are meant to be now.
    ///
    /// # Errors
    ///
    /// The API gave no answer, or has no StatefulSet of this name.
    pub async fn read(&self) -> Result<Wanted, KubernetesError> {
        let Scale { metadata, spec } = self.client.get("apis/apps/v1", &self.scale()).await?;
        Ok(Wanted {
            replicas: spec.replicas,
            version: metadata.resource_version,
        })
    }

    /// Makes it so many. The API refuses when anybody has changed the StatefulSet since it
    /// was read.
    ///
    /// # Errors
    ///
    /// The API gave no answer, or refused.
    pub async fn set(&self, found: &Wanted, replicas: u64) -> Result<(), KubernetesError> {
        let change = json!({
            "metadata": {"resourceVersion": found.version},
            "spec": {"replicas": replicas},
        });
        let change = Some(change.to_string());
        let answer = self.client.ask("apis/apps/v1", &self.scale(), change).await;
        answer.map(|_: Value| ())
    }

    fn scale(&self) -> String {
        format!("statefulsets/{}/scale", self.set)
    }
}
