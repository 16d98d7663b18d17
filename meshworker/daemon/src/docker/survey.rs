//! Everything about the swarm at once, for a diagnosis. Only read.

use serde::Deserialize;
use serde_json::Value;

use super::client::Filters;
use super::listed::{Budget, LONGEST_ENTRY, Short, Weighs, text};
use super::{DockerClient, DockerError};

/// So many bytes are kept of it all: a diagnosis may be made in the worker's container.
const KEPT: usize = 32 << 20;

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
        let mut kept = Budget::of(KEPT);
        Ok(Survey {
            services: self.whole("/services", &mut kept).await?,
            nodes: self.whole("/nodes", &mut kept).await?,
            // A filtering proxy may leave it out.
            networks: self.whole("/networks", &mut kept).await.unwrap_or_default(),
        })
    }

    async fn whole(&self, path: &str, kept: &mut Budget) -> Result<Vec<Value>, DockerError> {
        let answer = self.get(path, &Filters::new()).await?;
        Ok(kept.read(&answer.bytes, Some::<Value>)?)
    }

    /// What time it is for the engine, in the form of RFC 3339.
    ///
    /// # Errors
    ///
    /// The engine gave no answer, or does not tell.
    pub async fn system_time(&self) -> Result<String, DockerError> {
        #[derive(Deserialize)]
        struct Info {
            #[serde(rename = "SystemTime")]
            time: Option<Short<64>>,
        }
        let answer = self.get("/info", &Filters::new()).await?;
        if answer.bytes.len() > LONGEST_ENTRY {
            return Err(DockerError::TooLong(LONGEST_ENTRY));
        }
        let Info { time } = serde_json::from_slice(&answer.bytes)?;
        Ok(time.and_then(|Short(time)| time.ok()).unwrap_or_default())
    }
}

impl Weighs for Value {
    fn beside(&self) -> usize {
        match self {
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
            Value::String(word) => text(word),
            Value::Array(values) => values.iter().map(whole).sum(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, value)| text(name) + whole(value))
                .sum(),
        }
    }
}

/// A value in a list or a map that grows, which has room for twice as many.
fn whole(value: &Value) -> usize {
    2 * size_of::<Value>() + value.beside()
}
