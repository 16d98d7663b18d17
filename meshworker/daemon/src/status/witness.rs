//! One witness's answer.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What one witness said in the last pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WitnessStatus {
    /// Who: `dns`, `announce` or `docker`.
    pub witness: String,
    /// How good the answer was, for people: "answer", "NXDOMAIN", "time-out".
    pub grade: String,
    /// Whether whom it does not list is absent, not unknown.
    pub complete: bool,
    /// How many members it named.
    pub members: usize,
    /// How many replicas the service is meant to have, where it knows.
    pub desired: Option<usize>,
}
