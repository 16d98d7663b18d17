//! Whether the goal is reached.

use std::fmt;

use serde::Serialize;

use crate::counted;

/// Whether the wanted members are one cluster, as they themselves say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unity {
    /// They are, all of them, and it serves.
    One {
        /// How many there are.
        size: usize,
    },
    /// They are not yet, and what is missing.
    Apart {
        /// What is missing, for the operator.
        missing: String,
    },
    /// They are, and data is lost that nobody has acknowledged.
    Bereft {
        /// How many there are.
        size: usize,
        /// What is lost, for the operator.
        lost: String,
    },
}

impl Unity {
    /// Not one yet.
    pub fn apart(missing: impl Into<String>) -> Unity {
        Unity::Apart {
            missing: missing.into(),
        }
    }

    /// Whether the members are one cluster, with all that it should have.
    pub fn is_one(&self) -> bool {
        matches!(self, Unity::One { .. })
    }
}

impl fmt::Display for Unity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unity::One { size } => f.write_str(&one(*size)),
            Unity::Bereft { size, lost } => write!(f, "{}, DATA IS LOST: {lost}", one(*size)),
            Unity::Apart { missing } => write!(f, "not one cluster: {missing}"),
        }
    }
}

fn one(size: usize) -> String {
    format!("one cluster of {}", counted(size, "members"))
}
