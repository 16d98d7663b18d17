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

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};

use meshworker_core::{Proposal, Reason, Refusal, Situation, Step, Unity};

use super::departures::{Leavers, leavers};
use super::detail::{Detail, Edition};
use super::fragments::{Fragment, fragments};
use super::identity::Identity;
use super::leaving::Leaving;
use super::names::Name;
use super::nodes::Node;
use super::request::Request;
use super::unity;

/// For this long the tip that was tried first is repeated; then the next pair
/// of nodes has its turn, for as long. Several attempts fit in, at the pace at
/// which unsettled joins are repeated.
const SECONDS_PER_PAIR: u64 = 60;

/// What the plan needs to know besides what was seen.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    /// The name that every node must give.
    pub cluster_name: Option<String>,
    /// The port that tips name.
    pub heartbeat_port: u16,
}

impl Rules {
    /// The fewest requests that bring the wanted members closer to being one
    /// cluster, and what would be forgotten.
    pub fn propose(&self, situation: &Situation<'_, Detail>) -> Proposal<Request> {
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
        self.join(&fragments, &mut proposal);
        let Leavers {
            departures,
            cleanup,
        } = leavers(situation, name, self.heartbeat_port);
        proposal.departures = departures;
        proposal.cleanup = cleanup;
        let leaving = Leaving::of(situation, name, &ours);
        proposal.leaves = leaving.leaves();
        proposal.floor = leaving.floor();
        proposal.steps.extend(leaving.returns());
        proposal.unity = unity::of(situation, &ours, &strangers, &fragments);
        proposal
    }

    /// One tip for each fragment but the first, the largest.
    fn join(&self, fragments: &[Fragment<'_>], proposal: &mut Proposal<Request>) {
        let Some((anchor, others)) = fragments.split_first() else {
            return;
        };
        let mut room = Room::of(fragments);
        room.admit(anchor);
        for fragment in others {
            match room.refuse(fragment) {
                Some(refusals) => proposal.refusals.extend(refusals),
                None => {
                    room.admit(fragment);
                    proposal.steps.push(self.tip(fragment, anchor));
                }
            }
        }
    }

    /// The tip that joins this fragment to the anchor.
    ///
    /// Which nodes take part depends on how long the fragment has been up, and
    /// so changes when a tip does not take: both sides in turn try another
    /// member, and every second time the anchor is told instead.
    fn tip<'a>(&self, fragment: &[Node<'a>], anchor: &[Node<'a>]) -> Step<Request> {
        let uptime = fragment.first().map_or(0, |n| n.view.detail.uptime);
        let attempt = usize::try_from(uptime / SECONDS_PER_PAIR).unwrap_or(0);
        let pick = |nodes: &[Node<'a>]| nodes[(attempt / 2) % nodes.len()];
        let (told, about) = if attempt.is_multiple_of(2) {
            (pick(fragment), pick(anchor))
        } else {
            (pick(anchor), pick(fragment))
        };
        Step {
            to: told.address(),
            request: Request::Tip {
                seed: seed(about.address(), self.heartbeat_port),
                guest: Identity::of(about.view),
                host: Identity::of(told.view),
            },
            evidence: vec![told.says(), about.says()],
        }
    }
}

/// How many more nodes the cluster can take.
///
/// Counts ids, not sizes: a fragment may have members that did not answer, and
/// during a merge both sides count the same ones.
struct Room<'a> {
    limit: Option<(usize, Edition)>,
    taken: HashSet<&'a str>,
}

impl<'a> Room<'a> {
    fn of(fragments: &[Fragment<'a>]) -> Room<'a> {
        let editions = fragments.iter().flatten().map(|n| n.view.detail.edition);
        let limits = editions.filter_map(|e| Some((e.max_nodes()?, e)));
        Room {
            limit: limits.min(),
            taken: HashSet::new(),
        }
    }

    fn ids(fragment: &[Node<'a>]) -> impl Iterator<Item = &'a str> {
        let peers = fragment.iter().flat_map(|node| node.view.alive());
        peers.map(|peer| peer.node.as_str())
    }

    fn admit(&mut self, fragment: &[Node<'a>]) {
        // Without a limit nothing is counted: a thousand lists are long.
        if self.limit.is_some() {
            self.taken.extend(Self::ids(fragment));
        }
    }

    /// Why this fragment cannot join: one refusal for each of its nodes.
    fn refuse(&self, fragment: &[Node<'a>]) -> Option<Vec<Refusal>> {
        let (limit, edition) = self.limit?;
        let more: HashSet<&str> = Self::ids(fragment)
            .filter(|id| !self.taken.contains(id))
            .collect();
        if self.taken.len() + more.len() <= limit {
            return None;
        }
        let refusals = fragment.iter().map(|node| Refusal {
            what: format!("join {}", node.address()),
            reason: Reason::LimitReached {
                limit,
                source: edition.to_string(),
            },
            evidence: vec![node.says()],
        });
        Some(refusals.collect())
    }
}

/// A heartbeat address.
pub(super) fn seed(address: IpAddr, port: u16) -> SocketAddr {
    SocketAddr::new(address, port)
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
