//! One cluster, as the last pass found it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{LeaverStatus, MemberStatus, PlanStatus, TurnedAway, WitnessStatus};

/// One cluster in a line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Summary {
    /// What it is called.
    pub name: String,
    /// Its database: the engine's name, such as `redis`.
    pub engine: String,
    /// Whether its members are one cluster, by their own word.
    pub one: bool,
    /// What it is, for people: "one cluster of 3 members".
    pub unity: String,
    /// How many members are in it.
    pub joined: usize,
    /// How many members are known.
    pub members: usize,
    /// How many refusals stand.
    pub refusals: usize,
    /// What the worker may do.
    pub mode: Mode,
    /// How old the last pass is, in seconds; none before the first one.
    pub age_seconds: Option<f64>,
}

/// What the worker may do to a cluster.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Mode {
    /// It plans and shows, and does nothing.
    pub dry_run: bool,
    /// Whether it may make the cluster forget members.
    pub removals: bool,
    /// Why an operator holds the cluster; none when nobody does.
    pub held: Option<String>,
    /// Members that an operator has ordered to be drained; `resume` takes it back.
    #[serde(default)]
    pub drains: Vec<String>,
    /// Who ordered that, and why, by the member, as far as this worker knows.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub drained_by: BTreeMap<String, String>,
    /// What operators have ordered about who is the primary, each in a line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub succession: Vec<String>,
}

/// One pass: a look, a decision, what was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PassStatus {
    /// Counted from 1 since the worker started.
    pub number: u64,
    /// When it ended (RFC 3339, UTC).
    pub time: String,
    /// How long it took, in seconds.
    pub took_seconds: f64,
    /// How many nodes were asked for their view.
    pub views: usize,
    /// How many requests were made.
    pub steps: usize,
    /// How soon the next one comes: `calm`, `watchful`, `quick` or `at once`.
    pub pace: String,
}

/// One node, as another one sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WhoSees {
    /// Its id in the database.
    pub node: String,
    /// Where it is said to be; none while nobody knows.
    pub address: Option<String>,
    /// Whether the one that was asked holds it to be alive.
    pub alive: bool,
}

/// Everything about one cluster, as the last pass found it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ClusterStatus {
    /// What it is called.
    pub name: String,
    /// Its database: the engine's name, such as `redis`.
    pub engine: String,
    /// Whether its members are one cluster, by their own word.
    pub one: bool,
    /// What it is, for people.
    pub unity: String,
    /// Whether it is at rest, with all data in its place.
    pub settled: bool,
    /// What the worker may do.
    pub mode: Mode,
    /// The last pass.
    pub pass: PassStatus,
    /// What each witness said.
    pub witnesses: Vec<WitnessStatus>,
    /// Every member that anybody named, sorted by id.
    pub members: Vec<MemberStatus>,
    /// Nodes that members remember and hold to be gone.
    pub departed: Vec<WhoSees>,
    /// What was planned, done and refused.
    pub plan: PlanStatus,
    /// Who is on its way out, in the order of their turns.
    pub leavers: Vec<LeaverStatus>,
    /// Who was not heard at the members' port lately.
    #[serde(default)]
    pub turned_away: Vec<TurnedAway>,
}

impl ClusterStatus {
    /// How many members are in the cluster.
    pub fn joined(&self) -> usize {
        let members = self.members.iter();
        members.filter(|member| member.state.is_in()).count()
    }

    /// The one member to which everything is written: of several who say so that of the
    /// highest term.
    ///
    /// # Errors
    ///
    /// How many say so, where not one of them is it.
    pub fn primary(&self) -> Result<&MemberStatus, usize> {
        let members = self.members.iter();
        let said = members.filter_map(|member| Some((member.view.as_ref()?, member)));
        let said = said.filter(|(view, _)| view.primary);
        let mut all: Vec<_> = said.map(|(view, member)| (view.term, member)).collect();
        all.sort_by_key(|(term, _)| *term);
        let count = all.len();
        match (all.pop(), all.pop()) {
            (Some((_, only)), None) => Ok(only),
            (Some((term, first)), Some((below, _))) if term > below => Ok(first),
            _ => Err(count),
        }
    }
}
