//! What a member's going touches: who may go at the same time.

use std::collections::BTreeSet;

use serde::Serialize;

/// What a member's going touches, in its engine's names: parts of the data, and the
/// nodes that take them over. Two whose goings touch nothing in common go together.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Touches {
    /// All there is, or nobody can tell.
    #[default]
    All,
    /// These parts and no other.
    Parts(BTreeSet<String>),
}

impl Touches {
    /// Whether there is anything that both touch.
    pub fn meets(&self, other: &Touches) -> bool {
        match (self, other) {
            (Touches::Parts(one), Touches::Parts(other)) => !one.is_disjoint(other),
            _ => true,
        }
    }
}
