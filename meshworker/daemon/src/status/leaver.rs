//! A member on its way out.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A member on its way out, and what it waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LeaverStatus {
    /// Who.
    pub member: String,
    /// Where.
    pub address: String,
    /// Its id in the database.
    pub node: String,
    /// What kind of leaving this is, for people.
    pub going: String,
    /// Its place in the queue, counted from 1.
    pub place: usize,
    /// How much it has left to hand over; none where that cannot be counted.
    pub left: Option<u64>,
    /// What `left` counts: `slots`, `partitions`.
    pub unit: Option<String>,
    /// How long the rest will take at the pace so far, in seconds.
    pub estimate_seconds: Option<f64>,
    /// Whether it may stop.
    pub released: bool,
    /// What it waits for; none when it may stop.
    pub waits_for: Option<String>,
}
