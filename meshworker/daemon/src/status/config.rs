//! The effective configuration.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One setting's effective value. Files that hold secrets are named, never read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConfigValue {
    /// The setting's name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Where it is from: "flag", "variable", "default".
    pub origin: String,
}

/// A cluster's effective configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Config {
    /// What the cluster is called.
    pub cluster: String,
    /// Every setting.
    pub settings: Vec<ConfigValue>,
}
