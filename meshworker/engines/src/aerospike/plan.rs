//! What would bring the nodes closer to one cluster. Pure.
//!
//! Every fragment but the largest is joined to it by one tip. **The smaller
//! side is told about the larger one**, because a tip outlives its success: the
//! node that was told keeps a seed, and goes on dialling it when it is gone.
//!
//! - A newcomer that leaves takes its seed along, and nobody else holds one
//!   that leads to it. Told the other way, the old members would collect a
//!   stale seed for each newcomer that ever left.
//! - The seeds lead to the member with the lowest id, on Swarm slot 1, which a
//!   scale-down takes last.
//! - After a partition both sides heal it themselves: whoever lost the member
//!   that it was told about keeps dialling it.
//! - Should an address belong to somebody else a moment later, it was a node
//!   without data that was sent there, not the cluster.

use std::net::SocketAddr;

use meshworker_core::{Capabilities, Place, Planner, Proposal, Situation, Step, Unity};

use super::copies::copies;
use super::crowd;
use super::departures::{Leavers, leavers};
use super::detail::Detail;
use super::fragments::{Fragment, fragments};
use super::identity::Identity;
use super::leaving::{Leaving, holds_nothing};
use super::names::Name;
use super::nodes::Node;
use super::request::Request;
use super::room::Room;
use super::unity;
use crate::Access;

/// For this long the tip that was tried first is repeated; then the next pair
/// of nodes has its turn, for as long. Several attempts fit in, at the pace at
/// which unsettled joins are repeated.
const SECONDS_PER_PAIR: u64 = 60;

/// The planner of an Aerospike cluster, by what it needs to know besides what was
/// seen. It has no connection: the daemon, the tests and the simulation run the same
/// one.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The name that every node must give.
    pub cluster_name: Option<String>,
    /// The port that tips name.
    pub heartbeat_port: u16,
}

impl Planner for Rules {
    type Detail = Detail;
    type Request = Request;

    fn capabilities(&self) -> Capabilities {
        Capabilities { min_members: 1 }
    }

    fn propose(&self, situation: &Situation<'_, Detail>) -> Proposal<Request> {
        let mut proposal = Proposal::nothing(Unity::apart("no member answers"));
        let nodes = Node::all(situation);
        // When nobody is to stay, those that go say which cluster it is.
        let going = Node::leaving(situation);
        let voters = if nodes.is_empty() { &going } else { &nodes };
        let name = match Name::settle(self.cluster_name.as_deref(), voters) {
            Ok(name) => name,
            Err(refusals) => {
                proposal.refusals = refusals;
                proposal.unity = Unity::apart(
                    "the members give different cluster names, none of them more than half",
                );
                return proposal;
            }
        };
        let (ours, strangers): (Vec<_>, Vec<_>) =
            nodes.into_iter().partition(|node| name.is_of(node.view));
        let fragments = fragments(&ours);

        let answers = situation.answers.iter();
        proposal.strangers = answers
            .filter(|(_, answer)| answer.as_ref().is_ok_and(|view| !name.is_of(view)))
            .map(|(address, _)| *address)
            .collect();
        proposal
            .refusals
            .extend(strangers.iter().map(|node| name.refuse(node)));
        self.join(situation, &fragments, &mut proposal);
        let Leavers {
            departures,
            cleanup,
        } = leavers(situation, name, self.heartbeat_port);
        proposal.departures = departures;
        proposal.cleanup = cleanup;
        let leaving = Leaving::of(situation, name, &ours);
        proposal.leaves = leaving.leaves();
        proposal.outsiders.extend(leaving.outsiders());
        proposal.floor = leaving.floor();
        // Who was never in keeps nothing of it.
        let inside = fragments.first().map_or(&[][..], Vec::as_slice);
        proposal.copies = copies(inside, &leaving.inside());
        proposal.steps.extend(leaving.returns());
        proposal.unity = unity::of(situation, &ours, &strangers, &fragments);
        if let Some(refusal) = crowd::hear_but_do_not_agree(&ours) {
            proposal.unity = Unity::apart(refusal.reason.to_string());
            proposal.refusals.push(refusal);
        }
        proposal
    }
}

impl Rules {
    /// What a cluster that is reached this way needs.
    pub fn of(access: &Access) -> Rules {
        Rules {
            cluster_name: access.cluster_name.clone(),
            heartbeat_port: access.port,
        }
    }

    /// One tip for each fragment but the first, the largest. Where only so many
    /// are taken, whoever was tipped already comes first: whatever the lists
    /// show, it is on its way in.
    fn join(
        &self,
        situation: &Situation<'_, Detail>,
        fragments: &[Fragment<'_>],
        proposal: &mut Proposal<Request>,
    ) {
        let Some((anchor, others)) = fragments.split_first() else {
            return;
        };
        let asked = |fragment: &&Fragment<'_>| {
            let mut nodes = fragment.iter();
            nodes.any(|node| situation.joining.contains_key(&node.address()))
        };
        let (asked, new): (Vec<_>, Vec<_>) = others.iter().partition(asked);
        let mut room = Room::of(situation, fragments);
        room.admit(anchor);
        let (mut taken_in, mut left_out) = (anchor.clone(), Vec::new());
        for (fragment, asked) in std::iter::chain(
            asked.into_iter().map(|fragment| (fragment, true)),
            new.into_iter().map(|fragment| (fragment, false)),
        ) {
            match room.refuse(fragment, asked) {
                Some(refusals) => {
                    proposal.refusals.extend(refusals);
                    left_out.extend(fragment);
                }
                None => {
                    room.admit(fragment);
                    taken_in.extend(fragment);
                    proposal.steps.extend(self.tip(fragment, anchor));
                }
            }
        }
        let steps = crowd::thin_out(&taken_in, &left_out, self.heartbeat_port);
        proposal.steps.extend(steps);
        let nothing = left_out.iter().filter(|node| holds_nothing(node));
        proposal.outsiders.extend(nothing.map(Node::address));
    }

    /// The tip that joins this fragment to the anchor.
    ///
    /// Which nodes take part depends on how long the fragment has been up, and
    /// so changes when a tip does not take: both sides in turn try another
    /// member, and every second time the anchor is told instead.
    fn tip<'a>(&self, fragment: &[Node<'a>], anchor: &[Node<'a>]) -> Option<Step<Request>> {
        let uptime = fragment.first().map_or(0, |n| n.view.detail.uptime);
        let attempt = usize::try_from(uptime / SECONDS_PER_PAIR).unwrap_or(0);
        let pick = |nodes: &[Node<'a>]| {
            let at = (attempt / 2).checked_rem(nodes.len())?;
            nodes.get(at).copied()
        };
        let (told, about) = if attempt.is_multiple_of(2) {
            (pick(fragment)?, pick(anchor)?)
        } else {
            (pick(anchor)?, pick(fragment)?)
        };
        Some(Step::new(
            told.address(),
            Request::Tip {
                seed: seed(about.address(), self.heartbeat_port),
                guest: Identity::of(about.view),
                host: Identity::of(told.view),
            },
            vec![told.says(), about.says()],
        ))
    }
}

/// A heartbeat address.
pub(super) fn seed(address: Place, port: u16) -> SocketAddr {
    SocketAddr::new(address.address, port)
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
