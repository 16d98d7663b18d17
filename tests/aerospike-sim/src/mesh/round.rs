//! The clustering round: a pure decision from what is seen to what to do about it.
//!
//! The node with the highest id among those that hear each other is the principal: it alone forms a cluster and announces it;
//! the others adopt what it announces, if they are in it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::pulse::Standing;
use crate::{Cluster, Member, NodeId};

/// A node whose heartbeats flow in both directions.
#[derive(Clone, Debug)]
pub(crate) struct Neighbour {
    pub member: Member,
    pub ready: bool,
    pub mutual_for: Duration,
    pub standing: Option<Standing>,
    pub decision: Option<Arc<Cluster>>,
    /// Whom it hears itself.
    pub hears: HashSet<NodeId>,
}

/// Everything that a round looks at.
#[derive(Debug)]
pub(crate) struct Situation<'a> {
    pub me: Member,
    pub ready: bool,
    pub current: Option<&'a Cluster>,
    pub neighbours: &'a [Neighbour],
    /// The most members that the edition allows.
    pub limit: usize,
    /// How long a newcomer is watched before it is taken in.
    pub settle: Duration,
    /// Form anew although nobody came or went.
    pub recluster: bool,
    /// Every node that exists as far as is known, this one included.
    pub known: &'a HashSet<NodeId>,
}

impl Situation<'_> {
    /// More nodes have met than the edition allows, and none of them is in a full cluster: they do not become a full one
    /// and a rest, since each ignores the one that it heard of last, and not all the same one.
    fn is_crowded(&self) -> bool {
        let sizes = self.neighbours.iter().filter_map(|other| other.standing);
        let sizes = sizes.map(|standing| standing.size);
        let mut sizes = sizes.chain(self.current.map(Cluster::size));
        self.known.len() > self.limit && sizes.all(|size| size < self.limit)
    }
}

/// What a round decides.
#[derive(Debug)]
pub(crate) enum Verdict {
    Stay,
    /// Be in no cluster at all: somebody else decides, and does not count this node in.
    Orphan,
    /// Follow the principal.
    Adopt(Arc<Cluster>),
    /// Be the principal of these.
    Form(Vec<Member>),
}

/// Decides a round.
pub(crate) fn decide(situation: &Situation<'_>) -> Verdict {
    let Situation {
        me,
        ready,
        current,
        neighbours,
        ..
    } = situation;
    if !ready {
        return Verdict::Stay;
    }
    if let Some(offered) = best_offer(me, neighbours) {
        return match current {
            Some(current) if current.key() == offered.key() => Verdict::Stay,
            _ => Verdict::Adopt(offered),
        };
    }
    if situation.is_crowded() && situation.known.iter().any(|id| *id > me.id) {
        return Verdict::Orphan;
    }
    let candidates: Vec<&Neighbour> = neighbours
        .iter()
        .filter(|other| is_candidate(situation, other))
        .collect();
    if candidates.iter().any(|other| other.member.id > me.id) {
        return Verdict::Stay;
    }
    let mut wanted = choose(situation, &candidates);
    if situation.is_crowded() {
        keep_those_that_hear_each_other(&mut wanted, neighbours);
    }
    let Some(current) = current else {
        return Verdict::Form(wanted);
    };
    let lost = current
        .members()
        .iter()
        .any(|old| !wanted.iter().any(|new| new.same_run(old)));
    let joined = |new: &Member| !current.has(new);
    let settled_newcomer = candidates.iter().any(|other| {
        other.mutual_for >= situation.settle
            && joined(&other.member)
            && wanted.contains(&other.member)
    });
    if lost || settled_newcomer || situation.recluster {
        Verdict::Form(wanted)
    } else {
        Verdict::Stay
    }
}

/// The cluster of the highest principal above this node that counts it in.
fn best_offer(me: &Member, neighbours: &[Neighbour]) -> Option<Arc<Cluster>> {
    neighbours
        .iter()
        .filter(|other| other.member.id > me.id)
        .filter_map(|other| Some((other.member.id, other.decision.as_ref()?)))
        .filter(|(_, cluster)| cluster.has(me))
        .max_by_key(|(id, _)| *id)
        .map(|(_, cluster)| Arc::clone(cluster))
}

/// Whether this neighbour may be in a cluster with this node.
fn is_candidate(situation: &Situation<'_>, other: &Neighbour) -> bool {
    let Situation {
        me,
        current,
        neighbours,
        limit,
        ..
    } = situation;
    let mine = current.is_some_and(|current| current.has(&other.member));
    if mine {
        return true;
    }
    // A full cluster takes nobody in and goes nowhere.
    if current.is_some_and(|current| current.size() >= *limit) {
        return false;
    }
    if other
        .standing
        .is_some_and(|standing| standing.size >= *limit)
    {
        return false;
    }
    // Before its own first cluster a node waits for those that start together with it; a running cluster waits for nobody.
    if current.is_some() && !other.ready {
        return false;
    }
    // It follows a principal above this node that this node does not hear: taking it away would only be undone.
    let hears = |id: NodeId| neighbours.iter().any(|known| known.member.id == id);
    let was_ours = |id: NodeId| current.is_some_and(|current| current.member(id).is_some());
    other.standing.is_none_or(|standing| {
        standing.principal <= me.id || hears(standing.principal) || was_ours(standing.principal)
    })
}

/// Those that will be in the cluster: present members before newcomers, higher ids before lower, up to the limit.
fn choose(situation: &Situation<'_>, candidates: &[&Neighbour]) -> Vec<Member> {
    let is_present = |member: &Member| situation.current.is_some_and(|current| current.has(member));
    let mut others: Vec<Member> = candidates.iter().map(|other| other.member).collect();
    others.sort_by_key(|member| std::cmp::Reverse((is_present(member), member.id)));
    others.truncate(situation.limit.saturating_sub(1));
    others.push(situation.me);
    others
}

/// Takes out, one after another, who is in the way of most others, of equals the lowest, until everybody hears everybody. The
/// last, who decides, stays.
fn keep_those_that_hear_each_other(wanted: &mut Vec<Member>, neighbours: &[Neighbour]) {
    let hears = |one: &Member, other: &Member| {
        let one = neighbours.iter().find(|known| known.member.id == one.id);
        one.is_none_or(|one| one.member.id == other.id || one.hears.contains(&other.id))
    };
    loop {
        let in_the_way = |one: &&Member| {
            let others = wanted.iter();
            others
                .filter(|other| !hears(one, other) || !hears(other, one))
                .count()
        };
        let Some((_, others)) = wanted.split_last() else {
            return;
        };
        let worst = others
            .iter()
            .max_by_key(|one| (in_the_way(one), std::cmp::Reverse(one.id)));
        let Some(worst) = worst.filter(|one| in_the_way(one) > 0).map(|one| one.id) else {
            return;
        };
        wanted.retain(|one| one.id != worst);
    }
}

#[cfg(test)]
#[path = "round_tests.rs"]
mod tests;
