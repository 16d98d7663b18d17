//! The gates that every planned leaving must pass, in this order.

use std::fmt;

use serde::Serialize;

/// A condition that letting a member stop must meet. Missing evidence fails it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseGate {
    /// 1: no operator holds it, and nobody who was let go, or who cannot wait, and whose
    /// going touches its own, is still on its way out.
    Turn,
    /// 2: every node that the members hold to be alive answers, but for those that go
    /// together with it.
    MembersAnswer,
    /// 3: the members that stay are one cluster by their own word.
    MembersAgree,
    /// 4: as many members stay as replication factor, quorum and the operator
    /// ask for. A deployment that shrinks a database by mistake is held here.
    Floor,
    /// 5: the member holds nothing alone: no slot, no part that it still leads.
    DataSafe,
    /// 6: the database is at rest: no migration, no slot on the move that can arrive.
    AtRest,
    /// 7: all of the above have held without a break for the hold time.
    Settled,
}

impl ReleaseGate {
    /// The gate's number, as the documentation counts them.
    pub fn number(self) -> u8 {
        self as u8 + 1
    }

    /// The gate's name for logs and metrics.
    pub fn kind(self) -> &'static str {
        match self {
            ReleaseGate::Turn => "release_gate_1_turn",
            ReleaseGate::MembersAnswer => "release_gate_2_members_answer",
            ReleaseGate::MembersAgree => "release_gate_3_members_agree",
            ReleaseGate::Floor => "release_gate_4_floor",
            ReleaseGate::DataSafe => "release_gate_5_data_safe",
            ReleaseGate::AtRest => "release_gate_6_at_rest",
            ReleaseGate::Settled => "release_gate_7_settled",
        }
    }
}

impl fmt::Display for ReleaseGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            ReleaseGate::Turn => "one after another",
            ReleaseGate::MembersAnswer => "every member answers",
            ReleaseGate::MembersAgree => "those that stay are one cluster",
            ReleaseGate::Floor => "enough members stay",
            ReleaseGate::DataSafe => "it holds nothing alone",
            ReleaseGate::AtRest => "the database is at rest",
            ReleaseGate::Settled => "held long enough",
        };
        write!(f, "release gate {} ({name})", self.number())
    }
}
