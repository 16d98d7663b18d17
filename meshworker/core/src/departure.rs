//! A node that the database holds to be gone, and what it takes to forget it.

use std::fmt;

use serde::Serialize;

use crate::{Place, Step};

/// Why the database itself objects to forgetting a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Objection {
    /// A member still sees it alive, or is not sure.
    AliveTo {
        /// The member that sees it.
        node: String,
        /// What that member says.
        said: String,
    },
    /// It is the only holder of data, or answers for it.
    HoldsData(String),
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Objection::AliveTo { node, said } => write!(f, "{node} says: {said}"),
            Objection::HoldsData(what) => write!(f, "it holds {what}"),
        }
    }
}

/// A node that at least one member remembers and nobody could reach, with the
/// requests that would make the survivors forget it. The engine proposes; the
/// gates, the same for every engine, dispose.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Departure<R> {
    /// The departed node's id in the database.
    pub node: String,
    /// Where it was last; none when that address answers as somebody else now.
    pub address: Option<Place>,
    /// What the database itself has against forgetting it.
    pub objections: Vec<Objection>,
    /// One request per survivor that remembers it.
    pub steps: Vec<Step<R>>,
}
