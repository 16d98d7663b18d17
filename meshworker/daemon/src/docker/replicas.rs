//! How many replicas a service is meant to have: the one thing that is ever
//! changed through the Docker API, and only on an operator's explicit word.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::client::filter;
use super::listed::{Budget, LONGEST_ENTRY, Short, Weighs};
use super::model::LONGEST_WORD;
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
    /// The whole specification, as it came, before and after the number of replicas:
    /// whatever this program does not know must go back unchanged.
    spec: (String, String),
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
        let answer = self.client.get("/services", &by_name).await?;
        wanted_in(&answer.bytes, &self.service)?
            .ok_or_else(|| DockerError::NotReplicated(self.service.clone()))
    }

    /// Makes it so many. The engine refuses when anybody has changed the service
    /// since it was read.
    ///
    /// # Errors
    ///
    /// The engine gave no answer, or refused.
    pub async fn set(&self, found: &Wanted, replicas: u64) -> Result<(), DockerError> {
        let (before, after) = &found.spec;
        let spec = [before, replicas.to_string().as_str(), after].concat();
        let target = format!("/services/{}/update?version={}", found.id, found.version);
        let answer = self.client.exchange(&target, Some(spec.into_bytes()));
        answer.await.map(drop)
    }
}

impl Weighs for Wanted {
    fn beside(&self) -> usize {
        let (before, after) = &self.spec;
        self.id.len() + before.len() + after.len()
    }
}

/// The service of this name in this list, if it is there and replicated. Of all others
/// nothing is kept.
pub(crate) fn wanted_in(list: &[u8], name: &str) -> serde_json::Result<Option<Wanted>> {
    let mut kept = Budget::of(2 * size_of::<Wanted>() + LONGEST_ENTRY + LONGEST_WORD);
    let ours = |service: &RawValue| wanted(service.get(), name);
    Ok(kept.read::<&RawValue, _>(list, ours)?.pop())
}

/// The service, if it has this name and is replicated.
fn wanted(service: &str, name: &str) -> Option<Wanted> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Named {
        spec: Name,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Name {
        name: Short<LONGEST_WORD>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Found<'a> {
        #[serde(rename = "ID")]
        id: Short<LONGEST_WORD>,
        version: Version,
        #[serde(borrow)]
        spec: &'a RawValue,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Version {
        index: u64,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Spec<'a> {
        #[serde(borrow)]
        mode: Mode<'a>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Mode<'a> {
        #[serde(borrow)]
        replicated: Replicated<'a>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Replicated<'a> {
        #[serde(borrow)]
        replicas: &'a RawValue,
    }
    let Named { spec } = serde_json::from_str(service).ok()?;
    if spec.name.0.ok()? != name {
        return None;
    }
    let found: Found<'_> = serde_json::from_str(service).ok()?;
    let spec = found.spec.get();
    let Spec { mode } = serde_json::from_str(spec).ok()?;
    // It is a part of that text, and everything round it goes back untouched.
    let number = mode.replicated.replicas.get();
    let at = number.as_ptr().addr().checked_sub(spec.as_ptr().addr())?;
    let (before, rest) = spec.split_at_checked(at)?;
    let after = rest.strip_prefix(number)?;
    Some(Wanted {
        replicas: number.parse().ok()?,
        id: found.id.0.ok()?,
        version: found.version.index,
        spec: (before.to_owned(), after.to_owned()),
    })
}
