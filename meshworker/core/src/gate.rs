//! The gates: what must hold before anything is done that could cost data.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A condition that a change must meet. Missing evidence fails it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// Every discovery witness gave a complete answer in this pass. An error,
    /// NXDOMAIN or an empty answer is no evidence of anybody's absence.
    WitnessesComplete,
    /// Each of them says that the member is absent, not merely leaving.
    WitnessesAgree,
    /// Every node that is asked for its word answers. To forget one: every wanted
    /// member, since one that is silent may see the departed one alive, across a
    /// partition that hides it from us. To let one go: every node that the members
    /// hold to be alive, but for those that go together with it.
    MembersAnswer,
    /// To forget one: no member of the database sees it alive or is unsure. To let
    /// one go: those that stay are one cluster by their own word.
    MembersAgree,
    /// The member holds nothing alone: no data, no slot, no part that it still leads.
    DataSafe,
    /// The database is at rest: no migration, no slot on the move that can arrive.
    AtRest,
    /// Most members, or half of them, did not vanish at once, and as many are
    /// there as replication factor, quorum and the operator ask for.
    BlastRadius,
    /// All of the above have held without a break for the hold time.
    Hold,
    /// No other member was forgotten within the window.
    Window,
    /// No operator holds the member, and nobody whose turn is before its own, and whose
    /// going touches its own, is on its way out.
    Turn,
    /// As many members stay as replication factor, quorum and the operator
    /// ask for. A deployment that shrinks a database by mistake is held here.
    Floor,
    /// All of the above have held without a break for the hold time.
    Settled,
    /// Every node that it touches answers, as one of this cluster, in this pass or within the second
    /// before. And
    /// what nobody has is not dealt out by a worker that has just started.
    Answers,
    /// This worker is the one that acts: of several, only one gives its word.
    Authority,
    /// It waits to be started, and says itself what is on its disk.
    Waits,
    /// No operator holds the cluster, or a member that it concerns.
    Unheld,
    /// The primary gives no answer to us, to another worker, or to any of its replicas, or
    /// says itself that it takes no writes.
    Silent,
    /// Nobody took a primary's place a short while ago, and not often lately.
    Again,
    /// Whoever could acknowledge a write of the primary has promised not to, under our term.
    Sealed,
    /// What the one that is to take its place has received was never thrown away.
    Unbroken,
    /// It may take it: it is configured for it, and has nothing that nobody else has.
    Eligible,
    /// It has applied everything that anybody has received.
    Applied,
}

/// A kind of change, each with its own gates, passed in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The members forget one that is gone.
    Forget,
    /// A member that is meant to go may stop.
    Part,
    /// Parts are given to members, or taken from one that is meant to go.
    Arrange,
    /// A member that waits is started.
    Nominate,
    /// A member takes the primary's place.
    Succeed,
}

impl Change {
    /// Its gates, in their order; the documentation counts them from 1.
    pub fn gates(self) -> &'static [Gate] {
        match self {
            Change::Forget => &[
                Gate::WitnessesComplete,
                Gate::WitnessesAgree,
                Gate::MembersAnswer,
                Gate::MembersAgree,
                Gate::DataSafe,
                Gate::AtRest,
                Gate::BlastRadius,
                Gate::Hold,
                Gate::Window,
            ],
            Change::Part => &[
                Gate::Turn,
                Gate::MembersAnswer,
                Gate::MembersAgree,
                Gate::Floor,
                Gate::DataSafe,
                Gate::AtRest,
                Gate::Settled,
                Gate::Authority,
            ],
            Change::Arrange => &[Gate::Answers, Gate::Floor, Gate::Turn],
            Change::Nominate => &[Gate::Waits, Gate::Turn, Gate::Authority],
            Change::Succeed => &[
                Gate::Unheld,
                Gate::Silent,
                Gate::Answers,
                Gate::BlastRadius,
                Gate::Again,
                Gate::Authority,
                Gate::Unbroken,
                Gate::Sealed,
                Gate::Eligible,
                Gate::Applied,
            ],
        }
    }

    /// This gate of the change, closed by what was seen.
    pub fn closed(self, gate: Gate, seen: impl Into<String>) -> Closed {
        Closed {
            change: self,
            gate,
            seen: seen.into(),
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Change::Forget => "",
            Change::Part => "release ",
            Change::Arrange => "change ",
            Change::Nominate => "start ",
            Change::Succeed => "succession ",
        }
    }
}

/// The first gate of a change that was closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Closed {
    /// What would have been done.
    pub change: Change,
    /// The gate.
    pub gate: Gate,
    /// What was seen there.
    pub seen: String,
}

impl Closed {
    /// The gate's number, as the documentation counts them; 0 of one that the change has not.
    pub fn number(&self) -> usize {
        let mut gates = self.change.gates().iter();
        gates
            .position(|gate| *gate == self.gate)
            .map_or(0, |at| at + 1)
    }

    /// The gate's name for logs and metrics: "release_gate_4_floor".
    pub fn kind(&self) -> String {
        let (prefix, number) = (self.change.prefix(), self.number());
        let name = format!("{prefix}gate {number} {}", self.gate.name());
        name.replace(' ', "_")
    }

    /// The gate in words: "release gate 4 (enough members stay)".
    pub fn gate(&self) -> String {
        let (prefix, number) = (self.change.prefix(), self.number());
        format!("{prefix}gate {number} ({})", self.words())
    }

    fn words(&self) -> &'static str {
        match self.gate {
            Gate::WitnessesComplete => "every witness answers",
            Gate::WitnessesAgree => "every witness says absent",
            Gate::MembersAnswer => "every member answers",
            Gate::MembersAgree if self.change == Change::Forget => "no member sees it alive",
            Gate::MembersAgree => "those that stay are one cluster",
            Gate::DataSafe => "it holds nothing alone",
            Gate::AtRest => "the database is at rest",
            Gate::BlastRadius => "most members are there",
            Gate::Hold | Gate::Settled => "held long enough",
            Gate::Window => "one removal per window",
            Gate::Turn => "one after another",
            Gate::Floor => "enough members stay",
            Gate::Answers if self.change == Change::Succeed => {
                "whoever may have acknowledged answers"
            }
            Gate::Answers => "whoever it touches answers",
            Gate::Authority => "this worker acts",
            Gate::Waits => "it waits, and says what it has",
            Gate::Unheld => "no operator holds it",
            Gate::Silent => "nobody hears the primary",
            Gate::Again => "not again so soon",
            Gate::Sealed => "nobody acknowledges any more",
            Gate::Unbroken => "nothing received was thrown away",
            Gate::Eligible => "it may take the place",
            Gate::Applied => "it has applied everything",
        }
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is closed: {}", self.gate(), self.seen)
    }
}

impl Gate {
    /// Whether it stands after the seal, and so keeps nobody from sealing.
    pub(crate) fn waits_for_the_seal(self) -> bool {
        matches!(self, Gate::Sealed | Gate::Eligible | Gate::Applied)
    }

    /// Whether it opens by itself, by what is done, in a moment.
    pub(crate) fn opens_soon(self) -> bool {
        matches!(self, Gate::Authority | Gate::Sealed | Gate::Applied)
    }

    /// Whether the word of an operator who orders a fail-over stands for what is seen there.
    pub(crate) fn yields_to_force(self) -> bool {
        matches!(
            self,
            Gate::Silent | Gate::BlastRadius | Gate::Again | Gate::Unbroken
        )
    }

    fn name(self) -> &'static str {
        match self {
            Gate::WitnessesComplete => "witnesses_complete",
            Gate::WitnessesAgree => "witnesses_agree",
            Gate::MembersAnswer => "members_answer",
            Gate::MembersAgree => "members_agree",
            Gate::DataSafe => "data_safe",
            Gate::AtRest => "at_rest",
            Gate::BlastRadius => "blast_radius",
            Gate::Hold => "hold",
            Gate::Window => "window",
            Gate::Turn => "turn",
            Gate::Floor => "floor",
            Gate::Settled => "settled",
            Gate::Answers => "answers",
            Gate::Authority => "authority",
            Gate::Waits => "waits",
            Gate::Unheld => "unheld",
            Gate::Silent => "silent",
            Gate::Again => "again",
            Gate::Sealed => "sealed",
            Gate::Unbroken => "unbroken",
            Gate::Eligible => "eligible",
            Gate::Applied => "applied",
        }
    }
}
