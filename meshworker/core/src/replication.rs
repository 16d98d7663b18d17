//! How a node takes part in replication: in its database's terms, as data.

use serde::Serialize;

/// What a node says of its part in replication. Its engine fills in what is asked anyway; no
/// decision rests on it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Replication {
    /// The last transaction that it has: a position, in its database's words.
    pub position: String,
    /// How it deals with acknowledgements, in words for people.
    pub acknowledges: String,
    /// How it copies from whom it follows; none where it follows nobody.
    pub source: Option<Source>,
}

/// How a node copies from the one that it follows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Source {
    /// Whether it is connected.
    pub connected: bool,
    /// Whether it applies what it receives.
    pub applies: bool,
    /// The last transaction that it has received.
    pub received: String,
    /// How far it is behind, in seconds; none where it cannot tell.
    pub behind_seconds: Option<u64>,
    /// Why it does not connect, or apply, in its database's words.
    pub error: Option<String>,
}
