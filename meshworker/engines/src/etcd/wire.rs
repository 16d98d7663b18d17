//! What etcd's JSON gateway replies. 64-bit numbers are decimal strings there, and whatever
//! is zero, false or empty is left out.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use meshworker_core::Told;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::alarm::Alarm;
use super::detail::Listed;

/// The longest name or address that is kept, in bytes.
const LONGEST: usize = 256;

/// So many members at the most: etcd itself advises against more than seven.
const MOST: usize = 64;

/// What comes with every reply.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Header {
    #[serde(deserialize_with = "id")]
    pub cluster_id: String,
    #[serde(deserialize_with = "id")]
    pub member_id: String,
    #[serde(deserialize_with = "number")]
    pub revision: u64,
}

/// The reply to `/v3/maintenance/status`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Status {
    pub header: Header,
    pub version: String,
    #[serde(rename = "dbSize", deserialize_with = "number")]
    pub db_size: u64,
    #[serde(rename = "dbSizeInUse", deserialize_with = "number")]
    pub db_size_in_use: u64,
    #[serde(deserialize_with = "id")]
    pub leader: String,
    #[serde(rename = "raftIndex", deserialize_with = "number")]
    pub index: u64,
    #[serde(rename = "raftTerm", deserialize_with = "number")]
    pub term: u64,
    #[serde(rename = "isLearner")]
    pub learner: bool,
    errors: Vec<String>,
}

/// The reply to `/v3/cluster/member/list`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Members {
    members: Vec<Entry>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Entry {
    #[serde(rename = "ID", deserialize_with = "id")]
    id: String,
    name: String,
    #[serde(rename = "peerURLs")]
    peer_urls: Vec<String>,
    #[serde(rename = "clientURLs")]
    client_urls: Vec<String>,
    #[serde(rename = "isLearner")]
    learner: bool,
}

/// The reply to `/v3/kv/range`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Range {
    kvs: Vec<Value>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Value {
    value: String,
}

/// A token to log in with.
#[derive(Debug, Clone, Deserialize)]
pub struct Token {
    pub token: String,
}

/// Why a request was refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Refused {
    /// gRPC's number: what the HTTP status says differs from version to version.
    pub code: u64,
    pub message: String,
}

impl Members {
    /// Who is listed, sorted by id; none where that is no list that a cluster has.
    pub fn listed(self) -> Option<Vec<Listed>> {
        let many = |entry: &Entry| entry.peer_urls.len().max(entry.client_urls.len()) > 8;
        let unfit = |entry: &Entry| entry.id.is_empty() || many(entry);
        if self.members.len() > MOST || self.members.iter().any(unfit) {
            return None;
        }
        let all = |urls: Vec<String>| urls.into_iter().map(plain).collect();
        let mut listed: Vec<Listed> = (self.members.into_iter())
            .map(|entry| Listed {
                id: entry.id,
                name: plain(entry.name),
                peer_urls: all(entry.peer_urls),
                client_urls: all(entry.client_urls),
                learner: entry.learner,
            })
            .collect();
        listed.sort();
        Some(listed)
    }
}

impl Status {
    /// The alarms that are raised, by member: each is among the errors, as
    /// `memberID:7 alarm:NOSPACE`. To ask for them would be an entry in everybody's log,
    /// and no answer where there is no quorum.
    pub fn alarms(&self) -> BTreeMap<String, BTreeSet<Alarm>> {
        let mut raised: BTreeMap<String, BTreeSet<Alarm>> = BTreeMap::new();
        for error in self.errors.iter().take(MOST) {
            let mut words = error.split_whitespace();
            let member = words.next().and_then(|word| word.strip_prefix("memberID:"));
            let alarm = words.next().and_then(|word| word.strip_prefix("alarm:"));
            let member = member.and_then(|number| number.parse::<u64>().ok());
            if let Some((member, alarm)) = member.zip(alarm) {
                let member = format!("{member:x}");
                raised
                    .entry(member)
                    .or_default()
                    .insert(Alarm::named(alarm));
            }
        }
        raised
    }
}

impl Range {
    /// The text of the first value.
    pub fn text(&self) -> Option<String> {
        let bytes = STANDARD.decode(&self.kvs.first()?.value).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        Some(plain(text.trim().to_owned()))
    }
}

/// Others' words, bounded and on one line.
fn plain(text: String) -> String {
    Told::<LONGEST>::from(text).into_string()
}

/// Whom a member is connected with, as its `/metrics` say.
pub fn connected(metrics: &str) -> BTreeSet<String> {
    let lines = metrics.lines();
    let lines = lines.filter_map(|line| line.strip_prefix("etcd_network_active_peers{"));
    let peers = lines.filter_map(|line| {
        let (labels, value) = line.rsplit_once("} ")?;
        let (_, remote) = labels.split_once("Remote=\"")?;
        let (id, _) = remote.split_once('"')?;
        let is_id = !id.is_empty() && id.len() <= 16 && id.bytes().all(|b| b.is_ascii_hexdigit());
        (is_id && value.trim() == "1").then(|| id.to_owned())
    });
    peers.take(MOST).collect()
}

/// A number, as a string or as it is.
fn number<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(u64),
        Text(String),
    }
    match Either::deserialize(from)? {
        Either::Number(number) => Ok(number),
        Either::Text(text) => text.parse().map_err(D::Error::custom),
    }
}

/// An id in hex; empty where it is left out.
fn id<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let number = number(from)?;
    Ok(match number {
        0 => String::new(),
        number => format!("{number:x}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers are strings, ids are hex with us, and what is left out is nothing.
    #[test]
    fn a_status_has_its_alarms_among_its_errors() {
        let reply = r#"{"header":{"cluster_id":"7925472520919695283","member_id":"10975718836627446314",
            "revision":"2"},"version":"3.4.23","raftIndex":"7","raftTerm":"2","errors":
            ["etcdserver: no leader","memberID:10975718836627446314 alarm:NOSPACE ","memberID:7 alarm:CORRUPT "]}"#;
        let status: Status = serde_json::from_str(reply).unwrap();
        assert_eq!(status.header.member_id, "985196214bbe1a2a");
        assert_eq!(
            (status.leader.as_str(), status.index, status.term),
            ("", 7, 2)
        );
        let expected = [
            ("7".to_owned(), [Alarm::Corrupt].into()),
            ("985196214bbe1a2a".to_owned(), [Alarm::NoSpace].into()),
        ];
        assert_eq!(status.alarms(), expected.into());
    }

    #[test]
    fn whom_a_member_is_connected_with_stands_in_its_figures() {
        let figures = "# TYPE etcd_network_active_peers gauge\n\
            etcd_network_active_peers{Local=\"1\",Remote=\"cdf818194e3a8c32\"} 1\n\
            etcd_network_active_peers{Local=\"1\",Remote=\"2\"} 0\n\
            etcd_network_active_peers{Local=\"1\",Remote=\"no id\"} 1\n";
        assert_eq!(connected(figures), ["cdf818194e3a8c32".to_owned()].into());
    }
}
