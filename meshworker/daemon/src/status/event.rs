//! What happened, one fact at a time.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What kind of fact an event is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A witness answers otherwise than before.
    Witness,
    /// A member came into sight, changed its state, or went out of sight.
    Member,
    /// A request was made, and the node took it.
    Done,
    /// A request was made, and failed.
    Failed,
    /// Something is not done.
    Refused,
    /// A refusal no longer stands.
    Lifted,
    /// A member asks to leave, may stop, is gone, or stays after all.
    Leave,
    /// The members are one cluster, or not one any more.
    Unity,
    /// An operator gave an order, and what came of it.
    Order,
}

impl EventKind {
    /// Its name in answers and logs.
    pub fn name(self) -> &'static str {
        match self {
            EventKind::Witness => "witness",
            EventKind::Member => "member",
            EventKind::Done => "done",
            EventKind::Failed => "failed",
            EventKind::Refused => "refused",
            EventKind::Lifted => "lifted",
            EventKind::Leave => "leave",
            EventKind::Unity => "unity",
            EventKind::Order => "order",
        }
    }
}

/// Why a planned change of the primary is not made: an event's reason.
pub const HOOK_REFUSED: &str = "hook_refused";

/// How much an event matters.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The course of things.
    Info,
    /// An operator should look.
    Warning,
}

/// What happened, one fact at a time. Log, history and stream show this same
/// value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Counted from 1 since the worker started, over all its clusters.
    pub id: u64,
    /// When (RFC 3339, UTC).
    pub time: String,
    /// Whose cluster.
    pub cluster: String,
    /// What kind of fact.
    pub kind: EventKind,
    /// How much it matters.
    pub severity: Severity,
    /// The member that it is about, where it is about one.
    pub member: Option<String>,
    /// A name for what changed, without numbers: a member's state, a step's
    /// kind, a refusal's kind.
    pub reason: Option<String>,
    /// The fact in one line, for people.
    pub text: String,
    /// What it rests on.
    pub evidence: Vec<String>,
}

/// A part of the history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Events {
    /// Oldest first.
    pub events: Vec<Event>,
    /// The id of the oldest event that is still remembered; 0 when there is none.
    pub oldest: u64,
    /// The id of the newest event that there is; 0 when there is none.
    pub newest: u64,
}
