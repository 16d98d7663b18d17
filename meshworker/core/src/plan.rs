//! What follows from one pass.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::{Fence, Forced, Leaver, Loss, Nominee, Place, Refusal, Step, Unity};

/// How soon the next look is worth its cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// Nothing is open.
    Calm,
    /// Something is open that takes seconds: a hold, a removal window.
    Watchful,
    /// Something changes within milliseconds: a member starts, a join settles.
    Quick,
    /// Clients wait for what follows what was just asked for: without a pause.
    AtOnce,
}

/// What follows from one pass: what to do now, what not, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan<R> {
    /// What to do now. The order does not matter: steps to different nodes are
    /// sent side by side.
    pub steps: Vec<Step<R>>,
    /// The number under which it was made; none while another worker acts: then nothing of
    /// it is done, and nobody is let go.
    pub fence: Option<Fence>,
    /// Who is on its way out, in the order of their turns, and who may stop.
    pub leavers: Vec<Leaver>,
    /// Who waits and is to be started, and who may be.
    pub nominees: Vec<Nominee>,
    /// Whether the members that answer are one cluster at rest, with all data
    /// in its place: whoever starts now is in once this is so with it.
    pub settled: bool,
    /// How many are one cluster, whatever was wished for; none while those who are
    /// there are not one.
    pub together: Option<usize>,
    /// What is not done, and why.
    pub refusals: Vec<Refusal>,
    /// Whether the goal is reached.
    pub unity: Unity,
    /// Data that is nowhere any more, and of which no operator has said that he knows.
    pub losses: Vec<Loss>,
    /// Whoever answers, or is listed, and has no say: nobody waits for them, and
    /// none of them is in its place.
    pub outsiders: BTreeSet<Place>,
    /// How soon to look again.
    pub pace: Pace,
    /// Orders to forget that are carried out, in the operator's words: whoever is
    /// called so from now on is somebody else.
    pub fulfilled: BTreeSet<String>,
    /// Whether another member is primary by now, as an operator has ordered.
    pub failed_over: Option<Forced>,
    /// The cluster that takes writes by now, where that is news: all workers are to know.
    pub born: Option<String>,
}
