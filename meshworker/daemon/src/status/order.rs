//! What an operator asks for, and what comes of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Holds or resumes a cluster or one member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// The member; none for the whole cluster.
    #[serde(default)]
    #[schema(format = "line")]
    pub member: Option<String>,
    /// Why, for whoever looks later.
    #[serde(default)]
    #[schema(format = "line")]
    pub why: Option<String>,
    /// Who orders it, for whoever looks later.
    // Workers of an older version know no such field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "line")]
    pub who: Option<String>,
    /// For so many seconds; none until it is resumed. At most a year.
    #[serde(
        default,
        deserialize_with = "maybe_whole",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(minimum = 1, maximum = 31_536_000)]
    pub seconds: Option<u64>,
}

/// Has a departed member forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Forget {
    /// The member: its address, or its node's id in the database.
    #[schema(format = "line")]
    pub member: String,
}

/// Says that an operator knows what is missing: data that is lost, and members that
/// do not come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Acknowledge {
    /// Why, for whoever looks later.
    #[serde(default)]
    #[schema(format = "line")]
    pub why: Option<String>,
}

/// Changes how many members a cluster chooses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// How many; none for what the configuration says.
    #[serde(deserialize_with = "maybe_whole")]
    #[schema(required, minimum = 1)]
    pub size: Option<u64>,
}

/// Has another member take the primary's place, in good order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Switchover {
    /// Which; `any` prefers nobody any more; none for another one that is in step.
    #[serde(default)]
    #[schema(format = "line")]
    pub member: Option<String>,
    /// Who orders it, for whoever looks later.
    #[serde(default)]
    #[schema(format = "line")]
    pub who: Option<String>,
}

/// Has another member take the primary's place now, whatever is seen of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Failover {
    /// Members that never come back, with all that they have: nobody waits for their word, and
    /// what only they have acknowledged is lost.
    #[serde(default)]
    pub lost: Vec<String>,
    /// Whether such an order is taken back instead: whoever is primary keeps its place.
    #[serde(default)]
    pub cancel: bool,
    /// Who orders it, for whoever looks later.
    #[serde(default)]
    #[schema(format = "line")]
    pub who: Option<String>,
}

/// Says that a member is worked on: it does not become primary, and none takes its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Downtime {
    /// The member.
    #[schema(format = "line")]
    pub member: String,
    /// Why, for whoever looks later.
    #[serde(default)]
    #[schema(format = "line")]
    pub why: Option<String>,
    /// Who orders it, for whoever looks later.
    #[serde(default)]
    #[schema(format = "line")]
    pub who: Option<String>,
    /// For so many seconds; none until it is ended. At most a year.
    #[serde(default, deserialize_with = "maybe_whole")]
    #[schema(minimum = 1, maximum = 31_536_000)]
    pub seconds: Option<u64>,
}

/// Ends a member's downtime.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Uptime {
    /// The member.
    #[schema(format = "line")]
    pub member: String,
    /// Who orders it, for whoever looks later.
    #[serde(default)]
    #[schema(format = "line")]
    pub who: Option<String>,
}

/// Makes the service so many replicas, one after another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// How many.
    #[serde(deserialize_with = "whole")]
    #[schema(maximum = 10000)]
    pub replicas: u64,
}

/// Frees one member of its data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Drain {
    /// The member: `SERVICE.SLOT`.
    #[schema(
        max_length = 253,
        pattern = "^[^\\x00-\\x1f\\x7f-\\x9f\\xad\\u061c\\u180e\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb]+\\.(0|[1-9][0-9]{0,17})$"
    )]
    pub member: String,
    /// Why, for whoever looks later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        max_length = 253,
        pattern = "^[^\\x00-\\x1f\\x7f-\\x9f\\xad\\u061c\\u180e\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb]*$"
    )]
    pub why: Option<String>,
    /// Who orders it, for whoever looks later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        max_length = 253,
        pattern = "^[^\\x00-\\x1f\\x7f-\\x9f\\xad\\u061c\\u180e\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb]*$"
    )]
    pub who: Option<String>,
}

/// An order that was taken; events tell what comes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Done {
    /// What will happen now, for people.
    pub done: String,
}

/// That the process lives: `{"status": "ok"}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Health {
    /// It does.
    Ok,
}

/// Whether this worker has looked at all its clusters a short while ago.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Readiness {
    /// Whether it has.
    pub ready: bool,
    /// What is missing, one line each.
    pub missing: Vec<String>,
    /// What will be missing unless somebody acts, one line each.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// How much is to be logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// The least that is logged.
    pub level: Level,
}

/// The least that is logged; `debug` has every pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// What failed for good.
    Error,
    /// What an operator should look at.
    Warn,
    /// Each fact, once.
    Info,
    /// Every pass.
    Debug,
    /// Everything that there is.
    Trace,
}

impl Level {
    /// Its name, as tracing has it.
    pub fn name(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Debug => "debug",
            Level::Trace => "trace",
        }
    }
}

/// The same, where there may be none.
fn maybe_whole<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    struct Whole(#[serde(deserialize_with = "whole")] u64);
    Ok(Option::<Whole>::deserialize(deserializer)?.map(|Whole(number)| number))
}

/// A whole number, also where it is written as `3.0`: to JSON they are the same.
fn whole<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    use serde::de::{Error, Unexpected};
    let number = serde_json::Number::deserialize(deserializer)?;
    if let Some(whole) = number.as_u64() {
        return Ok(whole);
    }
    let float = number.as_f64().unwrap_or(-1.0);
    // Every whole number below is one of both kinds.
    if float.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&float) {
        return Ok(float as u64);
    }
    Err(Error::invalid_value(
        Unexpected::Float(float),
        &"a whole number from 0",
    ))
}
