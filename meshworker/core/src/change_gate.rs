//! The gates of what is done among members: arrangements, and what is taken from
//! those that are meant to go. In this order.

use std::fmt;

use serde::Serialize;

/// A condition that a change among members must meet. Missing evidence fails it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeGate {
    /// 1: every node that it touches answered in this pass, as one of this cluster.
    Answers,
    /// 2: without the member from which something is taken as many stay as
    /// replication factor, quorum and the operator ask for.
    Floor,
    /// 3: nobody whose turn is before that member's, and whose going touches its own, is
    /// on its way out.
    Turn,
}

impl ChangeGate {
    /// The gate's number, as the documentation counts them.
    pub fn number(self) -> u8 {
        self as u8 + 1
    }

    /// The gate's name for logs and metrics.
    pub fn kind(self) -> &'static str {
        match self {
            ChangeGate::Answers => "change_gate_1_answers",
            ChangeGate::Floor => "change_gate_2_floor",
            ChangeGate::Turn => "change_gate_3_turn",
        }
    }
}

impl fmt::Display for ChangeGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            ChangeGate::Answers => "whoever it touches answers",
            ChangeGate::Floor => "enough members stay",
            ChangeGate::Turn => "one after another",
        };
        write!(f, "change gate {} ({name})", self.number())
    }
}
