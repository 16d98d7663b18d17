//! The parts of the engine's answers that matter here.
//!
//! bollard's own models are not used: its task has no network attachments,
//! which are the one thing that the witness is after. States are kept as
//! text, so that one which a later engine adds spoils nothing.

use std::collections::BTreeMap;
use std::net::IpAddr;

use meshworker_core::{NodeName, is_harmful};
use serde::{Deserialize, Deserializer};

use super::listed::{self, Listed, Prefixed, Short, Weighs, text, texts};

/// The longest id, name or state: names of Swarm are DNS names. They come to stand
/// in logs and answers, so what is longer is refused where it is read.
pub(crate) const LONGEST_WORD: usize = 253;

fn word<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let Short(word) = Short::<LONGEST_WORD>::deserialize(from)?;
    let harmless = |word: String| match word.chars().any(is_harmful) {
        true => Err(word.len()),
        false => Ok(word),
    };
    word.and_then(harmless).map_err(|length| {
        serde::de::Error::custom(format!(
            "a name of {length} bytes; allowed: at most {LONGEST_WORD}, without control characters"
        ))
    })
}

fn word_if_any<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    struct Word(#[serde(deserialize_with = "word")] String);
    Ok(Option::<Word>::deserialize(from)?.map(|Word(word)| word))
}

/// Our own labels alone, where they are words.
fn labels<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, String>, D::Error> {
    listed::labels(from, |name, value| {
        !name.chars().chain(value.chars()).any(is_harmful)
    })
}

/// The most networks that one task is attached to, and its addresses on each: it has
/// two or three, and one or two.
const NETWORKS: usize = 16;
const ADDRESSES: usize = 4;

/// What the engine listed, in one go.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Listing {
    pub(crate) services: Vec<Service>,
    pub(crate) tasks: Vec<Task>,
    pub(crate) nodes: Vec<Node>,
}

/// A service, of `GET /services`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Service {
    #[serde(rename = "ID", deserialize_with = "word")]
    pub(crate) id: String,
    pub(crate) spec: ServiceSpec,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ServiceSpec {
    #[serde(deserialize_with = "word")]
    pub(crate) name: String,
    /// Absent, null or a map: the engine gives all three.
    #[serde(default, deserialize_with = "labels")]
    pub(crate) labels: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) mode: Mode,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Mode {
    #[serde(default)]
    pub(crate) replicated: Option<Replicated>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Replicated {
    #[serde(default)]
    pub(crate) replicas: Option<usize>,
}

/// A swarm node, of `GET /nodes`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Node {
    #[serde(rename = "ID", deserialize_with = "word")]
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) status: Status,
    #[serde(default)]
    pub(crate) description: Description,
}

/// What a node's engine says of it.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Description {
    #[serde(default)]
    pub(crate) hostname: Option<NodeName>,
}

/// A task, of `GET /tasks`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Task {
    #[serde(rename = "ID", deserialize_with = "word")]
    pub(crate) id: String,
    #[serde(rename = "ServiceID", default, deserialize_with = "word")]
    pub(crate) service: String,
    /// Counted from 1; absent for global services.
    #[serde(default)]
    pub(crate) slot: Option<u64>,
    /// Empty or absent until the task is assigned.
    #[serde(rename = "NodeID", default, deserialize_with = "word_if_any")]
    pub(crate) node: Option<String>,
    #[serde(default)]
    pub(crate) status: Status,
    #[serde(default, deserialize_with = "word")]
    pub(crate) desired_state: String,
    #[serde(rename = "NetworksAttachments", default)]
    pub(crate) attachments: Listed<Attachment, NETWORKS>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Status {
    #[serde(default, deserialize_with = "word")]
    pub(crate) state: String,
}

/// A network that a task is attached to.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Attachment {
    pub(crate) network: Network,
    /// With the length of the prefix, as in `10.0.1.5/24`.
    #[serde(default)]
    addresses: Listed<Prefixed, ADDRESSES>,
}

impl Attachment {
    /// The addresses, without the length of their prefix.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.addresses
            .0
            .iter()
            .filter_map(|Prefixed(address)| *address)
    }
}

impl Service {
    /// The same without its labels, which only say how a cluster is to be looked after.
    pub(crate) fn without_labels(mut self) -> Service {
        self.spec.labels.clear();
        self
    }
}

impl Task {
    /// Whether its container is gone, or was never made.
    pub(crate) fn is_over(&self) -> bool {
        matches!(
            self.status.state.as_str(),
            "complete" | "shutdown" | "failed" | "rejected" | "remove" | "orphaned"
        )
    }
}

impl Weighs for Service {
    fn beside(&self) -> usize {
        text(&self.id) + text(&self.spec.name) + texts(&self.spec.labels)
    }
}

impl Weighs for Node {
    fn beside(&self) -> usize {
        let name = self.description.hostname.iter().map(|name| text(name));
        text(&self.id) + text(&self.status.state) + name.sum::<usize>()
    }
}

impl Weighs for Task {
    fn beside(&self) -> usize {
        let own = [
            &self.id,
            &self.service,
            &self.status.state,
            &self.desired_state,
        ];
        let own = own.into_iter().chain(&self.node).map(|word| text(word));
        let attached = self.attachments.0.iter().map(Weighs::beside);
        own.chain(attached).sum()
    }
}

impl Weighs for Attachment {
    fn beside(&self) -> usize {
        let Network {
            id,
            spec,
            driver_state,
        } = &self.network;
        let driver = driver_state.as_ref().map(|driver| text(&driver.name));
        // A list that grows has room for twice as many.
        let room = 2 * size_of::<Attachment>() + 2 * ADDRESSES * size_of::<Prefixed>();
        room + text(id) + text(&spec.name) + driver.unwrap_or_default()
    }
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Network {
    #[serde(rename = "ID", deserialize_with = "word")]
    pub(crate) id: String,
    pub(crate) spec: NetworkSpec,
    #[serde(default)]
    pub(crate) driver_state: Option<Driver>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct NetworkSpec {
    #[serde(deserialize_with = "word")]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) ingress: bool,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Driver {
    #[serde(default, deserialize_with = "word")]
    pub(crate) name: String,
}
