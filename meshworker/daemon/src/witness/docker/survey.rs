//! Everything about the swarm at once, for a diagnosis. Only read.

use serde_json::Value;

use super::{DockerClient, DockerError};

/// The swarm's services, networks and nodes, as the engine lists them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Survey {
    /// Of `GET /services`.
    pub services: Vec<Value>,
    /// Of `GET /networks`; empty where that is forbidden.
    pub networks: Vec<Value>,
    /// Of `GET /nodes`.
    pub nodes: Vec<Value>,
}

impl DockerClient {
    /// Everything about the swarm.
    ///
    /// # Errors
    ///
    /// The engine gave no answer, or is no manager.
    pub async fn survey(&self) -> Result<Survey, DockerError> {
        let everything = Default::default();
        Ok(Survey {
            services: self.get("/services", &everything).await?,
            nodes: self.get("/nodes", &everything).await?,
            // A filtering proxy may leave it out.
            networks: self.get("/networks", &everything).await.unwrap_or_default(),
        })
    }

    /// What time it is for the engine, in the form of RFC 3339.
    ///
    /// # Errors
    ///
    /// The engine gave no answer, or does not tell.
    pub async fn system_time(&self) -> Result<String, DockerError> {
        let info: Value = self.get("/info", &Default::default()).await?;
        let time = info.pointer("/SystemTime").and_then(Value::as_str);
        Ok(time.unwrap_or_default().to_owned())
    }
}
