//! The services that declare a cluster by their labels.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use meshworker_core::Grade;
use tracing::warn;

use super::DockerClient;
use super::events::WakeUps;

/// What a service says in `deploy.labels` to be looked after.
const LABEL: &str = "meshworker.enable=true";

/// How often labels are read without an event: services change rarely, and an
/// event tells of each change.
const INTERVAL: Duration = Duration::from_secs(5);

/// How long one question may take.
const DEADLINE: Duration = Duration::from_secs(2);

/// Each service's labels, by its full name.
pub type Labels = BTreeMap<String, BTreeMap<String, String>>;

/// The services that declare a cluster by their labels.
pub struct LabelledServices {
    /// None when the environment names no engine that can be used.
    client: Option<Arc<DockerClient>>,
    /// What was told last.
    told: Mutex<Option<Labels>>,
}

impl LabelledServices {
    /// Those of the engine that the environment names. Nothing was read yet.
    #[allow(clippy::new_without_default)]
    pub fn new() -> LabelledServices {
        let client = DockerClient::shared();
        if let Err(why) = &client {
            warn!("labels cannot be read: {why}");
        }
        LabelledServices {
            client: client.ok(),
            told: Mutex::new(None),
        }
    }

    /// Those of this engine. Nothing was read yet.
    pub fn of(client: Arc<DockerClient>) -> LabelledServices {
        LabelledServices {
            client: Some(client),
            told: Mutex::new(None),
        }
    }

    /// The labelled services, when they are first known and whenever they
    /// change. An engine that does not answer changes nothing. May be cancelled.
    pub async fn next(&self) -> Labels {
        let Some(client) = &self.client else {
            return std::future::pending().await;
        };
        let mut wake_ups = WakeUps::new(client, INTERVAL);
        let mut silent = false;
        loop {
            match read(client).await {
                Ok(labels) => {
                    silent = false;
                    let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
                    if told.as_ref() != Some(&labels) {
                        *told = Some(labels.clone());
                        return labels;
                    }
                }
                Err(why) => {
                    if !silent {
                        warn!("labels cannot be read: {why}");
                    }
                    silent = true;
                }
            }
            wake_ups.next().await;
        }
    }
}

async fn read(client: &DockerClient) -> Result<Labels, Grade> {
    let services = tokio::time::timeout(DEADLINE, client.labelled(LABEL))
        .await
        .map_err(|_| Grade::Timeout)?
        .map_err(|why| why.grade())?;
    let labels = services
        .into_iter()
        .map(|service| (service.spec.name, service.spec.labels));
    Ok(labels.collect())
}
