//! The parts of the API's answers that matter here. What a later version adds spoils nothing.
//!
//! Source: Kubernetes, API reference, `Pod`, `StatefulSet`, `Scale` and `WatchEvent`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use meshworker_core::is_harmful;
use meshworker_engines::quoted;
use serde::{Deserialize, Deserializer};

/// The longest name: names of Kubernetes are DNS names. They come to stand in logs and
/// answers, so what is longer is refused where it is read.
const LONGEST_WORD: usize = 253;

/// The most addresses of one pod that are read: it has one of each family.
const ADDRESSES: usize = 4;

fn word<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let word = String::deserialize(from)?;
    let length = word.len();
    match length <= LONGEST_WORD && !word.chars().any(is_harmful) {
        true => Ok(word),
        false => Err(serde::de::Error::custom(format!(
            "a name of {length} bytes; allowed: at most {LONGEST_WORD}, without control characters"
        ))),
    }
}

/// A page of a list of pods.
#[derive(Debug, Deserialize)]
pub(crate) struct PodList {
    pub(crate) metadata: ListMeta,
    pub(crate) items: Vec<Pod>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListMeta {
    #[serde(default, deserialize_with = "word")]
    pub(crate) resource_version: String,
    /// Where the next page begins; empty at the end.
    #[serde(default, rename = "continue")]
    pub(crate) next: String,
}

/// A pod, as far as it counts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "RawPod")]
pub(crate) struct Pod {
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) node: Option<String>,
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) state: PodState,
}

/// What the API says of a pod's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PodState {
    /// It runs, or is to.
    There,
    /// It is deleted, and not gone; within so many seconds of that its kubelet ends it.
    Terminating(u64),
    /// Its node is not heard of: what runs there nobody knows.
    Lost,
    /// All its containers have ended for good.
    Over,
}

#[derive(Deserialize)]
struct RawPod {
    metadata: Meta,
    #[serde(default)]
    spec: PodSpec,
    #[serde(default)]
    status: PodStatus,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    #[serde(deserialize_with = "word")]
    name: String,
    #[serde(default, deserialize_with = "word")]
    uid: String,
    #[serde(default)]
    deletion_timestamp: Option<String>,
    #[serde(default)]
    deletion_grace_period_seconds: u64,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct PodSpec {
    #[serde(default, deserialize_with = "word")]
    node_name: String,
    #[serde(default)]
    readiness_gates: Vec<serde::de::IgnoredAny>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct PodStatus {
    #[serde(default)]
    phase: String,
    #[serde(default, rename = "podIP")]
    address: Option<IpAddr>,
    #[serde(default, rename = "podIPs")]
    addresses: Vec<PodAddress>,
    #[serde(default)]
    conditions: Vec<Condition>,
}

#[derive(Deserialize)]
struct PodAddress {
    ip: IpAddr,
}

#[derive(Deserialize)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
}

impl From<RawPod> for Pod {
    fn from(raw: RawPod) -> Pod {
        let state = raw.state();
        let RawPod {
            metadata,
            spec,
            status,
        } = raw;
        let listed = status.addresses.iter().map(|one| one.ip);
        let mut addresses: Vec<IpAddr> = listed.take(ADDRESSES).collect();
        if addresses.is_empty() {
            addresses.extend(status.address);
        }
        Pod {
            name: metadata.name,
            uid: metadata.uid,
            node: Some(spec.node_name).filter(|node| !node.is_empty()),
            addresses,
            state,
        }
    }
}

impl RawPod {
    fn state(&self) -> PodState {
        if matches!(self.status.phase.as_str(), "Succeeded" | "Failed") {
            return PodState::Over;
        }
        if self.status.phase == "Unknown" || self.is_on_a_lost_node() {
            return PodState::Lost;
        }
        match self.metadata.deletion_timestamp {
            Some(_) => PodState::Terminating(self.metadata.deletion_grace_period_seconds),
            None => PodState::There,
        }
    }

    /// Whether the node's controller, and not its kubelet, has said that this pod is not
    /// ready. A kubelet says both conditions together, of the same containers; when a node is
    /// not heard of for 40 s, its controller takes back the one and leaves the other, and
    /// pods need no right to read nodes to tell.
    ///
    /// Source: Kubernetes, `pkg/controller/util/node/controller_utils.go`, `MarkPodsNotReady`.
    fn is_on_a_lost_node(&self) -> bool {
        let says = |kind: &str, status: &str| {
            let mut conditions = self.status.conditions.iter();
            conditions.any(|one| one.kind == kind && one.status == status)
        };
        // With gates of its own a pod may not be ready although its containers are.
        let gated = !self.spec.readiness_gates.is_empty();
        !gated && says("ContainersReady", "True") && says("Ready", "False")
    }
}

impl Pod {
    /// Its number in the StatefulSet of this name; none where it is of another one.
    ///
    /// Source: Kubernetes, "StatefulSets", ordinal index.
    pub(crate) fn ordinal(&self, set: &str) -> Option<u64> {
        let number = self.name.strip_prefix(set)?.strip_prefix('-')?;
        let ordinal: u64 = number.parse().ok()?;
        (ordinal.to_string() == number).then_some(ordinal)
    }
}

/// What a watch says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// This pod is so now, as of this version.
    Is(Pod, String),
    /// This pod is gone, as of this version.
    Gone(Pod, String),
    /// Nothing has happened until this version.
    Bookmark(String),
    /// It ends, with this status and message.
    Error(u16, String),
}

/// One line of a watch.
///
/// # Errors
///
/// It is none.
pub(super) fn event(line: &[u8]) -> serde_json::Result<Event> {
    #[derive(Deserialize)]
    struct Line<'a> {
        #[serde(rename = "type")]
        kind: &'a str,
        #[serde(borrow)]
        object: &'a serde_json::value::RawValue,
    }
    #[derive(Deserialize)]
    struct Versioned {
        metadata: ListMeta,
    }
    #[derive(Deserialize)]
    struct Status {
        #[serde(default)]
        code: u16,
        #[serde(default)]
        message: String,
    }
    let Line { kind, object } = serde_json::from_slice(line)?;
    let object = object.get();
    if kind == "ERROR" {
        let Status { code, message } = serde_json::from_str(object)?;
        return Ok(Event::Error(code, message));
    }
    let Versioned { metadata } = serde_json::from_str(object)?;
    let version = metadata.resource_version;
    Ok(match kind {
        "BOOKMARK" => Event::Bookmark(version),
        "DELETED" => Event::Gone(serde_json::from_str(object)?, version),
        _ => Event::Is(serde_json::from_str(object)?, version),
    })
}

/// A StatefulSet, as far as it counts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct StatefulSet {
    metadata: SetMeta,
    pub(crate) spec: SetSpec,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SetMeta {
    #[serde(default, deserialize_with = "word")]
    resource_version: String,
    #[serde(default)]
    deletion_timestamp: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct SetSpec {
    /// One where it is not said.
    #[serde(default = "one")]
    replicas: u64,
    #[serde(default)]
    ordinals: Ordinals,
    #[serde(default)]
    pub(crate) selector: Selector,
}

fn one() -> u64 {
    1
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
struct Ordinals {
    #[serde(default)]
    start: u64,
}

/// Whose pods are asked for: a superset does, since they are known by their names.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Selector {
    #[serde(default)]
    match_labels: BTreeMap<String, String>,
}

impl Selector {
    /// As it stands in the query of a URL.
    pub(crate) fn query(&self) -> String {
        let labels = self.match_labels.iter();
        let labels: Vec<String> = labels
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        quoted(&labels.join(","))
    }
}

impl StatefulSet {
    /// Of which version it is: another one after each change of its pods, which it counts.
    pub(crate) fn version(&self) -> &str {
        &self.metadata.resource_version
    }

    /// How many pods there are to be: none where it is deleted.
    pub(crate) fn replicas(&self) -> u64 {
        match self.metadata.deletion_timestamp {
            Some(_) => 0,
            None => self.spec.replicas,
        }
    }

    /// Their numbers, at most so many.
    pub(crate) fn wanted(&self, most: u64) -> std::ops::Range<u64> {
        let start = self.spec.ordinals.start;
        start..start.saturating_add(self.replicas().min(most))
    }
}
