//! Members that are meant to go: what they hold, what frees them, and how many
//! must stay.
//!
//! Enterprise Edition *quiesces* a member: once the cluster is formed anew it
//! is last in line for every partition, and when the migrations are over it
//! holds nothing alone. Community Edition cannot; there a member may simply
//! stop while every record has a second copy elsewhere, and the others make the
//! missing copies anew before the next one goes. Whether copies are on their
//! way is no matter of this module: such a node says that it works.

use std::cmp::Reverse;

use meshworker_core::{
    Evidence, Floor, Leave, Place, Progress, Situation, Step, StepKind, counted,
};

use super::detail::{Detail, Edition, Namespace};
use super::names::Name;
use super::nodes::{Node, lists};
use super::request::Request;

/// The members that are meant to go, beside those that stay.
pub(super) struct Leaving<'a> {
    ours: &'a [Node<'a>],
    /// In the order of their turns: the highest slot first, as Swarm shrinks.
    going: Vec<Node<'a>>,
}

impl<'a> Leaving<'a> {
    /// The members of this name that answered and are meant to go.
    pub fn of(
        situation: &Situation<'a, Detail>,
        name: Name<'_>,
        ours: &'a [Node<'a>],
    ) -> Leaving<'a> {
        let mut going = Node::leaving(situation);
        going.retain(|node| name.is_of(node.view));
        going.sort_by_key(|node| Reverse((&node.member.id, node.address())));
        Leaving { ours, going }
    }

    /// What it takes for each of them to go without loss.
    pub fn leaves(&self) -> Vec<Leave<Request>> {
        let leaves = self.going.iter().map(|node| {
            let (mut holds, mut steps, mut progress) = (Vec::new(), Vec::new(), None);
            if !self.is_in(node) {
                holds.extend(held_outside(node));
            } else {
                holds.extend(self.unsure(node));
                match quiesce(node.view.detail.edition, node) {
                    Some(quiesce) => {
                        holds.extend(held_back(node, quiesce));
                        steps = self.quiesce(node, quiesce);
                        let left = node.view.detail.to_send.filter(|_| quiesce.done);
                        progress = left.map(partitions);
                    }
                    None => {
                        holds.extend(held_alone(node));
                        progress = self.to_send().filter(|left| *left > 0).map(partitions);
                    }
                }
            }
            // Each keeps copies of whatever the others have: they touch each other.
            Leave {
                holds,
                steps,
                progress,
                ..Leave::of(node.address(), &node.view.node)
            }
        });
        leaves.collect()
    }

    /// Those of them that are in no cluster and hold nothing.
    pub fn outsiders(&self) -> impl Iterator<Item = Place> {
        let outside = self.going.iter().filter(|node| !self.is_in(node));
        outside
            .filter(|node| holds_nothing(node))
            .map(Node::address)
    }

    /// Those of them that are in the cluster of those that stay.
    pub fn inside(&self) -> Vec<Node<'a>> {
        let inside = self.going.iter().filter(|node| self.is_in(node));
        inside.copied().collect()
    }

    /// As many must stay as copies are to be kept. The copies that are kept at
    /// present do not count: they shrink with the cluster.
    pub fn floor(&self) -> Floor {
        let nodes = self.nodes().flat_map(namespaces);
        let copies = nodes.filter_map(|space| space.replication_factor.or(space.copies));
        let Some(copies) = copies.max().filter(|copies| *copies > 1) else {
            return Floor::default();
        };
        Floor {
            members: usize::try_from(copies).unwrap_or(usize::MAX),
            because: format!("replication factor {copies}"),
        }
    }

    /// Brings members back to their place that are quiesced and wanted. That
    /// nobody announces their leaving is not enough: somebody must say that
    /// they stay.
    pub fn returns(&self) -> Vec<Step<Request>> {
        let mut steps = Vec::new();
        for node in (self.ours.iter()).filter(|node| node.member.is_vouched_to_stay()) {
            if is_any(node, |space| space.quiesce_pending) {
                steps.push(step(node, Request::QuiesceUndo, node));
            } else if is_any(node, |space| space.quiesced) {
                steps.extend(self.recluster(node, StepKind::Arrange));
            }
        }
        // One is enough, however many come back.
        let mut seen = Vec::new();
        steps.retain(|step| {
            let first = !seen.contains(&(step.to, step.request.clone()));
            seen.push((step.to, step.request.clone()));
            first
        });
        steps
    }

    fn nodes(&self) -> impl Iterator<Item = &Node<'a>> {
        self.ours.iter().chain(&self.going)
    }

    /// Whether it is in the cluster of those that stay, as either side says.
    fn is_in(&self, node: &Node<'_>) -> bool {
        let id = &node.view.node;
        let mut ours = self.ours.iter();
        ours.any(|own| lists(own.view, id) || lists(node.view, &own.view.node))
    }

    /// What is not known, or not as it should be, anywhere in the cluster.
    fn unsure(&self, node: &Node<'_>) -> Option<String> {
        if namespaces(node).next().is_none() {
            return Some("it does not say what its namespaces hold".into());
        }
        let key = node.view.detail.key;
        let mut ours = self.ours.iter();
        if key.is_none() || ours.any(|own| own.view.detail.key != key) {
            return Some("it does not agree with those that stay on who is in".into());
        }
        self.nodes().find_map(|other| {
            let id = &other.view.node;
            let mut spaces = namespaces(other).peekable();
            if spaces.peek().is_none() {
                return Some(format!("{id} does not say what its namespaces hold"));
            }
            spaces.find_map(|Namespace { name, unavailable, dead, .. }| {
                match (unavailable, dead) {
                    (Some(0), Some(0)) => None,
                    (Some(unavailable), Some(dead)) => Some(format!(
                        "{id}: {unavailable} partitions of '{name}' are unavailable, {dead} are dead"
                    )),
                    _ => Some(format!("{id} does not say whether partitions of '{name}' are missing")),
                }
            })
        })
    }

    /// What is left to send in the whole cluster.
    fn to_send(&self) -> Option<u64> {
        let mut nodes = self.nodes();
        nodes.try_fold(0_u64, |sum, node| {
            sum.checked_add(node.view.detail.to_send?)
        })
    }

    /// What quiesces it. First it is told, and only when it says so the cluster
    /// is formed anew: requests to two nodes may arrive in any order.
    fn quiesce(&self, node: &Node<'_>, quiesce: Quiesce) -> Vec<Step<Request>> {
        let mut steps = Vec::new();
        if quiesce.done {
            return steps;
        }
        if quiesce.pending != Some(true) {
            steps.push(step(node, Request::Quiesce, node));
        }
        if quiesce.pending != Some(false) {
            steps.extend(self.recluster(node, StepKind::Leave));
        }
        steps
    }

    /// Forms the cluster of this node anew, by the one that may.
    fn recluster(&self, node: &Node<'_>, purpose: StepKind) -> Option<Step<Request>> {
        let principal = node.view.detail.principal.as_deref()?;
        let principal = self.nodes().find(|other| other.view.node == principal)?;
        Some(step(principal, Request::Recluster { purpose }, node))
    }
}

/// How far a member is on its way to the end of the line.
#[derive(Debug, Clone, Copy)]
struct Quiesce {
    /// Whether it has been told; none when it does not say.
    pending: Option<bool>,
    /// Whether it is there.
    done: bool,
}

/// The same, for members that can be quiesced at all.
fn quiesce(edition: Edition, node: &Node<'_>) -> Option<Quiesce> {
    if edition != Edition::Enterprise {
        return None;
    }
    let all = |said: fn(&Namespace) -> Option<bool>| {
        let mut spaces = namespaces(node).map(said);
        spaces.try_fold(true, |all, said| Some(all && said?))
    };
    Some(Quiesce {
        pending: all(|space| space.quiesce_pending),
        // A server that is too old to be quiesced does not say.
        done: all(|space| space.quiesced)?,
    })
}

/// What a member that can be quiesced holds.
fn held_back(node: &Node<'_>, quiesce: Quiesce) -> Option<String> {
    if !quiesce.done {
        return Some("not quiesced yet".into());
    }
    match node.view.detail.to_send {
        Some(0) => None,
        Some(left) => Some(format!("{} to send", counted(left, "partitions"))),
        None => Some("it does not say how much it has to send".into()),
    }
}

/// What a member that cannot be quiesced holds alone, even when all is at rest.
fn held_alone(node: &Node<'_>) -> Option<String> {
    let mut spaces = namespaces(node).filter(|space| space.empty != Some(true));
    spaces.find_map(|space| {
        let name = &space.name;
        match space.copies.or(space.replication_factor) {
            Some(copies) if copies > 1 => None,
            Some(copies) => Some(format!(
                "replication factor {copies}: its records in '{name}' have no second copy"
            )),
            None => Some(format!(
                "it does not say how many copies of '{name}' are kept"
            )),
        }
    })
}

/// Whether a member that is in no cluster but its own has no records either.
pub(super) fn holds_nothing(node: &Node<'_>) -> bool {
    held_outside(node).is_none()
}

/// What a member holds that those that stay do not know.
fn held_outside(node: &Node<'_>) -> Option<String> {
    let size = node.view.size;
    if size > 1 {
        return Some(format!(
            "it is in a cluster of {size} without those that stay"
        ));
    }
    let mut spaces = namespaces(node).peekable();
    if spaces.peek().is_none() {
        return Some("it does not say what its namespaces hold".into());
    }
    let held = spaces.find(|space| space.empty != Some(true))?;
    Some(format!(
        "records in '{}', and it is not in the cluster of those that stay",
        held.name
    ))
}

fn namespaces<'a>(node: &Node<'a>) -> impl Iterator<Item = &'a Namespace> + use<'a> {
    node.view
        .detail
        .namespaces
        .iter()
        .flat_map(|all| all.iter())
}

/// Whether a namespace of this node says so.
fn is_any(node: &Node<'_>, said: fn(&Namespace) -> Option<bool>) -> bool {
    namespaces(node).any(|space| said(space) == Some(true))
}

fn partitions(left: u64) -> Progress {
    Progress {
        unit: "partitions",
        left,
    }
}

/// A request to one node, because of what another one says.
fn step(to: &Node<'_>, request: Request, because: &Node<'_>) -> Step<Request> {
    let pending = is_any(because, |space| space.quiesce_pending);
    let quiesced = is_any(because, |space| space.quiesced);
    let said = format!("pending_quiesce={pending};effective_is_quiesced={quiesced}");
    Step::new(
        to.address(),
        request,
        vec![Evidence::view(&because.view.node, said)],
    )
}
