//! What was planned in the last pass, done, and not done.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What was planned in the last pass, done, and not done.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlanStatus {
    /// The requests; in a dry run those that would have been made.
    pub steps: Vec<StepStatus>,
    /// What was not done, and why.
    pub refusals: Vec<RefusalStatus>,
}

/// One request to one node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StepStatus {
    /// What it is for: `join`, `arrange`, `leave` or `forget`.
    pub kind: String,
    /// The node that is asked.
    pub to: String,
    /// The request, as an operator would type it, without secrets.
    pub request: String,
    /// The address that the node is told about, if any.
    pub introduces: Option<String>,
    /// What it rests on.
    pub evidence: Vec<String>,
    /// Whether it was made, and the node did not refuse; none when it was not made.
    pub ok: Option<bool>,
    /// What the node replied, or why it could not be asked.
    pub reply: Option<String>,
}

/// Something that was not done, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RefusalStatus {
    /// What would have been done: "join 10.0.1.7", "forget 3f2a".
    pub what: String,
    /// The kind of reason, without what changes from pass to pass:
    /// `release_gate_5_data_safe`.
    pub kind: String,
    /// Why it was not done, for people.
    pub reason: String,
    /// What was seen.
    pub evidence: Vec<String>,
    /// The members that it concerns.
    pub members: Vec<String>,
}
