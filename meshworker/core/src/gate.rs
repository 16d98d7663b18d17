//! The gates that every removal must pass, in this order.

use std::fmt;

use serde::Serialize;

/// A condition that forgetting a member must meet. Missing evidence fails it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// 1: every discovery witness gave a complete answer in this pass. An error,
    /// NXDOMAIN or an empty answer is no evidence of anybody's absence.
    WitnessesComplete,
    /// 2: each of them says that the member is absent, not merely leaving.
    WitnessesAgree,
    /// 3: every wanted member answered. One that is silent may see the departed
    /// one alive, across a partition that hides it from us.
    MembersAnswer,
    /// 4: no member of the database sees it alive or is unsure.
    MembersAgree,
    /// 5: it holds no data that nobody else holds.
    DataSafe,
    /// 6: the database is at rest: no migration, no slot on the move.
    AtRest,
    /// 7: most members, or half of them, did not vanish at once, and as many are
    /// there as replication factor, quorum and the operator ask for.
    BlastRadius,
    /// 8: all of the above have held without a break for the hold time.
    Hold,
    /// 9: no other member was forgotten within the window.
    Window,
}

impl Gate {
    /// The gate's number, as the documentation counts them.
    pub fn number(self) -> u8 {
        self as u8 + 1
    }

    /// The gate's name for logs and metrics.
    pub fn kind(self) -> &'static str {
        match self {
            Gate::WitnessesComplete => "gate_1_witnesses_complete",
            Gate::WitnessesAgree => "gate_2_witnesses_agree",
            Gate::MembersAnswer => "gate_3_members_answer",
            Gate::MembersAgree => "gate_4_members_agree",
            Gate::DataSafe => "gate_5_data_safe",
            Gate::AtRest => "gate_6_at_rest",
            Gate::BlastRadius => "gate_7_blast_radius",
            Gate::Hold => "gate_8_hold",
            Gate::Window => "gate_9_window",
        }
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Gate::WitnessesComplete => "every witness answers",
            Gate::WitnessesAgree => "every witness says absent",
            Gate::MembersAnswer => "every member answers",
            Gate::MembersAgree => "no member sees it alive",
            Gate::DataSafe => "it holds no data alone",
            Gate::AtRest => "the database is at rest",
            Gate::BlastRadius => "most members are there",
            Gate::Hold => "held long enough",
            Gate::Window => "one removal per window",
        };
        write!(f, "gate {} ({name})", self.number())
    }
}
