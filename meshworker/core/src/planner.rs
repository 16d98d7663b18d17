//! The I/O-free half of an engine.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::{
    Copies, Departure, Floor, Leave, Member, Nomination, Place, Reason, Refusal, Request,
    Situation, Step, Succession, Unity, View,
};

/// What a database can and cannot do. The common gates use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Capabilities {
    /// The fewest members that can form a new cluster.
    pub min_members: usize,
}

/// What one database would do about a situation, before the gates.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Proposal<R> {
    /// Joins and arrangements.
    pub steps: Vec<Step<R>>,
    /// Nodes that the database holds to be gone.
    pub departures: Vec<Departure<R>>,
    /// What remains to be done once every departure has been forgotten.
    pub cleanup: Vec<Step<R>>,
    /// What it takes for the members that are meant to go, in the order of
    /// their turns: the same for every worker that sees the same.
    pub leaves: Vec<Leave<R>>,
    /// The members that wait and are to be started, and how, in the order of their turns.
    pub nominations: Vec<Nomination>,
    /// Those that are started only where nobody takes the primary's place after all: a gate of
    /// the succession is closed that no seal opens, or none is proposed.
    pub otherwise: Vec<Nomination>,
    /// The cluster that takes writes, under its database's name for it, where one is begun only
    /// once.
    pub born: Option<String>,
    /// Which member is to take the primary's place, if any.
    pub succession: Option<Succession<R>>,
    /// The fewest members that must stay.
    pub floor: Floor,
    /// Addresses that answer as nodes of another cluster, or that were never in
    /// this one and may not be: nobody's members here, whatever a witness says, and
    /// no witnesses of this one. They hold nobody, and may stop at any time.
    pub strangers: BTreeSet<Place>,
    /// Addresses of members that were never in this cluster, are refused and
    /// hold nothing: nobody waits for them, and nothing is lost with them.
    pub outsiders: BTreeSet<Place>,
    /// Nodes that are in the cluster by its members' word, that no wanted member
    /// is, and that own no data by any word, each with what would make the others
    /// forget it. Whoever of them no witness knows counts for nothing.
    pub bystanders: Vec<Departure<R>>,
    /// Whether nothing is set in motion when a member ends that was let go: those who
    /// stay need not notice it first.
    pub quiet: bool,
    /// Nodes whose work leads nowhere until somebody does something about it, as a
    /// refusal says: nobody waits for its end whom it does not concern.
    pub stuck: BTreeSet<String>,
    /// What the members keep in copies, and which of them.
    pub copies: Copies,
    /// What is not proposed, and why.
    pub refusals: Vec<Refusal>,
    /// Whether the wanted members are one cluster.
    pub unity: Unity,
}

impl<R> Proposal<R> {
    /// Nothing is proposed.
    pub fn nothing(unity: Unity) -> Proposal<R> {
        Proposal {
            steps: Vec::new(),
            departures: Vec::new(),
            cleanup: Vec::new(),
            leaves: Vec::new(),
            nominations: Vec::new(),
            otherwise: Vec::new(),
            born: None,
            succession: None,
            floor: Floor::default(),
            strangers: BTreeSet::new(),
            bystanders: Vec::new(),
            outsiders: BTreeSet::new(),
            quiet: false,
            stuck: BTreeSet::new(),
            copies: Copies::default(),
            refusals: Vec::new(),
            unity,
        }
    }

    /// Nothing is changed, and nobody who answers is let go, until an operator has seen to
    /// what is wrong.
    pub fn stuck<D>(situation: &Situation<'_, D>, why: &str) -> Proposal<R> {
        let leaves = situation.leaving_views();
        let held =
            |(member, view): (&Member, &View<D>)| Leave::held(member.address, &view.node, why);
        Proposal {
            leaves: leaves.map(held).collect(),
            refusals: vec![Refusal::new(
                "change anything",
                Reason::Misconfigured(why.to_owned()),
            )],
            ..Proposal::nothing(Unity::apart(why))
        }
    }
}

/// The I/O-free half of an engine: knows what a database's views mean and
/// which requests would bring it closer to one cluster. It never decides about
/// safety: removals go through the gates, which are the same for all.
pub trait Planner {
    /// What only this database's views have.
    type Detail: Clone + std::fmt::Debug + PartialEq + Serialize + Send + Sync;
    /// A request in the language of this database.
    type Request: Request;

    /// What this database can and cannot do.
    fn capabilities(&self) -> Capabilities;

    /// The fewest requests that bring the wanted members closer to being one
    /// cluster, from this pass's views alone. Must be deterministic, and must
    /// propose nothing for a cluster that is as it should be.
    fn propose(&self, situation: &Situation<'_, Self::Detail>) -> Proposal<Self::Request>;
}
