//! What an operator asks for, and what comes of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Holds or resumes a cluster or one member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// The member; none for the whole cluster.
    #[serde(default)]
    #[schema(max_length = 253, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$")]
    pub member: Option<String>,
    /// Why, for whoever looks later.
    #[serde(default)]
    #[schema(max_length = 253, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$")]
    pub why: Option<String>,
}

/// Has a departed member forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Forget {
    /// The member: its address, or its node's id in the database.
    pub member: String,
}

/// Makes the service so many replicas, one after another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// How many.
    #[schema(maximum = 10000)]
    pub replicas: u64,
}

/// Frees one member of its data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Drain {
    /// The member: `SERVICE.SLOT`.
    #[schema(pattern = "^.+\\.[1-9][0-9]{0,17}$")]
    pub member: String,
}

/// An order that was taken; events tell what comes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Done {
    /// What will happen now, for people.
    pub done: String,
}

/// Whether this worker has looked at all its clusters a short while ago.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Readiness {
    /// Whether it has.
    pub ready: bool,
    /// What is missing, one line each.
    pub missing: Vec<String>,
}

/// What is to be logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogFilter {
    /// In the syntax of tracing's filters: `debug`, `warn,meshworker=debug`.
    pub filter: String,
}
