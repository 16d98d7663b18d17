//! The parts of the engine's answers that matter here.
//!
//! bollard's own models are not used: its task has no network attachments,
//! which are the one thing that this witness is after. States are kept as
//! text, so that one which a later engine adds spoils nothing.

use std::collections::BTreeMap;
use std::net::IpAddr;

use meshworker_core::is_harmful;
use serde::{Deserialize, Deserializer};

use super::listed::{self, Listed};

/// The longest id, name or state: names of Swarm are DNS names. They come to stand
/// in logs and answers, so what is longer is refused where it is read.
const LONGEST_WORD: usize = 253;

/// The longest value of a label that is read as a setting.
const LONGEST_LABEL: usize = 1024;

fn word<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let word = String::deserialize(from)?;
    let length = word.len();
    if length > LONGEST_WORD || word.chars().any(is_harmful) {
        return Err(serde::de::Error::custom(format!(
            "a name of {length} bytes; allowed: at most {LONGEST_WORD}, without control characters"
        )));
    }
    Ok(word)
}

fn word_if_any<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    struct Word(#[serde(deserialize_with = "word")] String);
    Ok(Option::<Word>::deserialize(from)?.map(|Word(word)| word))
}

/// Our own labels alone, where they are words.
fn labels<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, String>, D::Error> {
    listed::labels(from, |name, value| {
        name.len() <= LONGEST_WORD
            && value.len() <= LONGEST_LABEL
            && !name.chars().chain(value.chars()).any(is_harmful)
    })
}

/// The most entries of one list: a thousand members with the five last tasks of each
/// slot are five sixths of it.
pub(super) const MOST: usize = 6_000;

/// The most networks that one task is attached to, and its addresses on each: it has
/// two or three, and one or two.
const NETWORKS: usize = 16;
const ADDRESSES: usize = 4;

/// What an entry takes at the most, in bytes, besides its texts.
pub(super) const ENTRY: usize =
    size_of::<Task>() + NETWORKS * (size_of::<Attachment>() + ADDRESSES * size_of::<String>());

/// A service, of `GET /services`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Service {
    #[serde(rename = "ID", deserialize_with = "word")]
    pub(super) id: String,
    pub(super) spec: ServiceSpec,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ServiceSpec {
    #[serde(deserialize_with = "word")]
    pub(super) name: String,
    /// Absent, null or a map: the engine gives all three.
    #[serde(default, deserialize_with = "labels")]
    pub(super) labels: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) mode: Mode,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Mode {
    #[serde(default)]
    pub(super) replicated: Option<Replicated>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Replicated {
    #[serde(default)]
    pub(super) replicas: Option<usize>,
}

/// A swarm node, of `GET /nodes`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Node {
    #[serde(rename = "ID", deserialize_with = "word")]
    pub(super) id: String,
    #[serde(default)]
    pub(super) status: Status,
}

/// A task, of `GET /tasks`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Task {
    #[serde(rename = "ID", deserialize_with = "word")]
    pub(super) id: String,
    #[serde(rename = "ServiceID", default, deserialize_with = "word")]
    pub(super) service: String,
    /// Counted from 1; absent for global services.
    #[serde(default)]
    pub(super) slot: Option<u64>,
    /// Empty or absent until the task is assigned.
    #[serde(rename = "NodeID", default, deserialize_with = "word_if_any")]
    pub(super) node: Option<String>,
    #[serde(default)]
    pub(super) status: Status,
    #[serde(default, deserialize_with = "word")]
    pub(super) desired_state: String,
    #[serde(rename = "NetworksAttachments", default)]
    pub(super) attachments: Listed<Attachment, NETWORKS>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Status {
    #[serde(default, deserialize_with = "word")]
    pub(super) state: String,
}

/// A network that a task is attached to.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attachment {
    pub(super) network: Network,
    /// With the length of the prefix, as in `10.0.1.5/24`.
    #[serde(default)]
    addresses: Listed<String, ADDRESSES>,
}

impl Attachment {
    /// The addresses, without the length of their prefix.
    pub(super) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.addresses.0.iter().filter_map(|address| {
            let bare = address.split('/').next()?;
            bare.parse().ok()
        })
    }
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Network {
    #[serde(rename = "ID", deserialize_with = "word")]
    pub(super) id: String,
    pub(super) spec: NetworkSpec,
    #[serde(default)]
    pub(super) driver_state: Option<Driver>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NetworkSpec {
    #[serde(deserialize_with = "word")]
    pub(super) name: String,
    #[serde(default)]
    pub(super) ingress: bool,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Driver {
    #[serde(default, deserialize_with = "word")]
    pub(super) name: String,
}
