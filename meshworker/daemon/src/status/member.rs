//! One member: who it is, where, and what everybody says of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Event, LeaverStatus, RefusalStatus, StepStatus, TurnedAway, WhoSees};

/// What a member is doing, from all that is known of it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum MemberState {
    /// It is in the cluster.
    Joined,
    /// It answers, and is not in the cluster yet.
    Joining,
    /// It is wanted and does not answer.
    Silent,
    /// Its database starts once the one that had its slot before has stopped.
    Waiting,
    /// It volunteers: its database is not started until it is nominated.
    Spare,
    /// It is meant to go, and waits for its turn or hands over its data.
    Leaving,
    /// It was told that it may stop.
    Released,
    /// It answers, and is not taken in: a refusal says why.
    Refused,
    /// No witness wants it: a stale record, or known to the database alone.
    Unknown,
}

impl MemberStatus {
    /// What people call the swarm node that it runs on: its name, or its id where nobody
    /// knows that.
    pub fn node_called(&self) -> Option<&str> {
        self.node_name.as_deref().or(self.node.as_deref())
    }
}

impl MemberState {
    /// All of them, in the order in which they are shown.
    pub const ALL: [MemberState; 9] = [
        MemberState::Joined,
        MemberState::Joining,
        MemberState::Silent,
        MemberState::Waiting,
        MemberState::Spare,
        MemberState::Leaving,
        MemberState::Released,
        MemberState::Refused,
        MemberState::Unknown,
    ];

    /// Its name in answers, metrics and tables.
    pub fn name(self) -> &'static str {
        match self {
            MemberState::Joined => "joined",
            MemberState::Joining => "joining",
            MemberState::Silent => "silent",
            MemberState::Waiting => "waiting",
            MemberState::Spare => "spare",
            MemberState::Leaving => "leaving",
            MemberState::Released => "released",
            MemberState::Refused => "refused",
            MemberState::Unknown => "unknown",
        }
    }

    /// Whether the member is where it belongs: in the cluster, or a spare.
    pub fn has_its_place(self) -> bool {
        matches!(self, MemberState::Joined | MemberState::Spare)
    }

    /// Whether the member is in the cluster and stays.
    pub fn is_in(self) -> bool {
        self == MemberState::Joined
    }
}

/// What one witness says of one member.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SightingStatus {
    /// Who says it: `dns`, `announce`, `docker` or `database`.
    pub witness: String,
    /// What, for people: "present", "leaving", "absent", "unknown (time-out)".
    pub presence: String,
    /// Since when it has said so without a break (RFC 3339, UTC).
    pub since: String,
    /// How long ago it was said last, in seconds.
    pub age_seconds: f64,
}

/// What a member's database says of its cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ViewStatus {
    /// Its own id in the database.
    pub node: String,
    /// The name of its cluster, if it has one.
    pub cluster_name: Option<String>,
    /// What it is among the others, in its database's word: `master`, `replica`; none where
    /// all are alike.
    #[serde(default)]
    pub role: Option<String>,
    /// Whether it is the one node to which everything is written.
    #[serde(default)]
    pub primary: bool,
    /// The number under which it became that, where its database counts them: of several
    /// who say so, the one with the highest is it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<u64>,
    /// How many nodes it counts in its cluster, itself included.
    pub size: usize,
    /// The nodes that it knows, itself included.
    pub peers: Vec<WhoSees>,
    /// Work that should end before anybody leaves; none when it is at rest.
    pub working: Option<String>,
    /// The member whose data it copies, or that node's id where it is no member.
    #[serde(default)]
    pub follows: Option<String>,
    /// What it has, in its database's terms: slots, keys, records, memory.
    #[serde(default)]
    pub figures: Vec<FigureStatus>,
    /// Why it refuses writes; none while it takes them.
    #[serde(default)]
    pub refuses_writes: Option<String>,
    /// Since when it has had this role, and this term, as far as the worker knows (RFC 3339,
    /// UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_since: Option<String>,
    /// How it takes part in replication, where its database tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replication: Option<ReplicationStatus>,
}

/// A member's part in replication, in its database's words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReplicationStatus {
    /// The last transaction that it has.
    pub position: String,
    /// How it deals with acknowledgements.
    pub acknowledges: String,
    /// How it copies from whom it follows; none where it follows nobody.
    pub source: Option<SourceStatus>,
}

/// How a member copies from the one that it follows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SourceStatus {
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

impl ViewStatus {
    /// What it has, in a line; that it refuses writes comes first.
    pub fn holds(&self) -> String {
        let refuses = self.refuses_writes.iter();
        let refuses = refuses.map(|_| "refuses writes".to_owned());
        let follows = self.follows.iter().map(|master| format!("of {master}"));
        let figures = self.figures.iter().map(|figure| figure.words.clone());
        refuses
            .chain(follows)
            .chain(figures)
            .collect::<Vec<_>>()
            .join(", ")
    }
}

/// One figure of what a member has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FigureStatus {
    /// What is counted: `slots`, `keys`, `records`, `memory`, `data`.
    pub what: String,
    /// How much there is: pieces, or bytes of `memory` and `data`.
    pub value: u64,
    /// How much there may be, where that is bounded.
    pub of: Option<u64>,
    /// The same, for people: "63/64M memory".
    pub words: String,
}

/// One member: who it is, where, and what everybody says of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MemberStatus {
    /// Who it is: `SERVICE.SLOT`, or its address where nothing better is known.
    pub id: String,
    /// Where it is.
    pub address: String,
    /// The swarm node that it runs on, where a witness knows it.
    pub node: Option<String>,
    /// That node's name, where somebody knows it.
    #[serde(default)]
    pub node_name: Option<String>,
    /// The swarm task, where a witness knows it.
    pub task: Option<String>,
    /// Of which of the cluster's services it is, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// What it is doing.
    pub state: MemberState,
    /// Since when it has been doing that, as far as this worker knows (RFC 3339, UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_since: Option<String>,
    /// What follows from the witnesses: `wanted`, `spare`, `leaving`, `disowned`
    /// or `unlisted`.
    pub standing: String,
    /// Why an operator holds it, it alone; none when nobody does, or the cluster is held.
    pub held: Option<String>,
    /// What each witness says of it.
    pub sightings: Vec<SightingStatus>,
    /// What its database says; none when it did not answer.
    pub view: Option<ViewStatus>,
    /// Why its database did not answer; none when it did, or was not asked.
    pub unanswered: Option<String>,
}

/// All evidence for one member: what is known, planned, refused and remembered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Why {
    /// The member; twice while its slot moves from one address to another; none
    /// when it is a node that is gone and only remembered.
    pub members: Vec<MemberStatus>,
    /// What other members' databases say of its address, such as
    /// "10.0.1.3 (cache_redis.2): alive".
    pub seen_by: Vec<String>,
    /// What was done for or to it in the last pass.
    pub steps: Vec<StepStatus>,
    /// What is not done for or to it, and why.
    pub refusals: Vec<RefusalStatus>,
    /// Its place in the leave queue.
    pub leaver: Option<LeaverStatus>,
    /// What happened to it, as far as is remembered, oldest first.
    pub events: Vec<Event>,
    /// Whether its supervisor was not heard at the members' port lately, and why.
    #[serde(default)]
    pub turned_away: Vec<TurnedAway>,
}
