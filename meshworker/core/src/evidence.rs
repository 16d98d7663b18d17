//! The facts that a step or a refusal rests on.

use std::fmt;

use serde::Serialize;

use crate::{MemberId, Presence, Witness};

/// One fact, as somebody stated it in this pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// A witness said this of a member.
    Sighting {
        /// Who said it.
        witness: Witness,
        /// Of whom.
        member: MemberId,
        /// What.
        presence: Presence,
    },
    /// A database node said this, in the words of its protocol.
    View {
        /// The node that was asked.
        node: String,
        /// What it said.
        said: String,
    },
}

impl Evidence {
    /// What a database node said.
    pub fn view(node: impl Into<String>, said: impl Into<String>) -> Evidence {
        Evidence::View {
            node: node.into(),
            said: said.into(),
        }
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Evidence::Sighting {
                witness,
                member,
                presence,
            } => write!(f, "{witness}: {member} {presence}"),
            Evidence::View { node, said } => write!(f, "{node}: {said}"),
        }
    }
}
