//! The I/O-free half of the model's engine.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use meshworker_core::{
    Capabilities, Departure, Evidence, Floor, Leave, Objection, Planner, Progress, Proposal,
    Reason, Refusal, Situation, Step, Unity, View, fragments,
};

use super::{Ask, Detail};

/// The name of the cluster that is looked after.
pub const CLUSTER: &str = "mesh-it";
/// The fewest members that must stay: each unit is on so many nodes.
pub const FLOOR: usize = 2;

/// The model's engine.
#[derive(Debug, Clone, Copy)]
pub struct Engine {
    /// Whether a member that is meant to go can hand over what it holds.
    pub hands_over: bool,
}

type Node<'a> = (IpAddr, &'a View<Detail>);

impl Planner for Engine {
    type Detail = Detail;
    type Request = Ask;

    fn capabilities(&self) -> Capabilities {
        Capabilities { min_members: 1 }
    }

    fn propose(&self, situation: &Situation<'_, Detail>) -> Proposal<Ask> {
        let wanted: Vec<Node<'_>> = situation
            .wanted_views()
            .map(|(member, view)| (member.address, view))
            .collect();
        let (ours, foreign): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|n| is_ours(n.1));
        let mut proposal = Proposal::nothing(Unity::apart("no member answers"));
        let answers = situation.answers.iter();
        proposal.strangers = answers
            .filter(|(_, answer)| answer.as_ref().is_ok_and(|view| !is_ours(view)))
            .map(|(address, _)| *address)
            .collect();
        for (address, view) in foreign {
            let found = view.cluster_name.clone().unwrap_or_default();
            let reason = Reason::WrongCluster {
                expected: CLUSTER.into(),
                found,
            };
            proposal
                .refusals
                .push(Refusal::new(format!("join {address}"), reason));
        }
        let groups = groups(&ours);
        proposal.unity = unity(&groups);
        if let Some((anchor, others)) = groups.split_first() {
            for other in others {
                proposal.steps.push(Step {
                    to: other[0].0,
                    request: Ask::Join(anchor[0].0),
                    evidence: Vec::new(),
                });
            }
        }
        proposal.departures = departures(situation);
        proposal.leaves = self.leaves(situation);
        proposal.floor = Floor {
            members: FLOOR,
            because: format!("replication factor {FLOOR}"),
        };
        proposal
    }
}

impl Engine {
    /// In the order of their ids, the last slot first.
    fn leaves(&self, situation: &Situation<'_, Detail>) -> Vec<Leave<Ask>> {
        let mut leaves: Vec<Leave<Ask>> = situation
            .leaving_views()
            .filter(|(_, view)| is_ours(view))
            .map(|(member, view)| {
                let left = u64::from(view.detail.units);
                let full = self.hands_over && left > 0;
                Leave {
                    address: member.address,
                    node: view.node.clone(),
                    holds: full.then(|| format!("{left} units")).into_iter().collect(),
                    steps: full
                        .then(|| Step {
                            to: member.address,
                            request: Ask::HandOver,
                            evidence: Vec::new(),
                        })
                        .into_iter()
                        .collect(),
                    progress: full.then_some(Progress {
                        unit: "units",
                        left,
                    }),
                }
            })
            .collect();
        leaves.reverse();
        leaves
    }
}

fn is_ours(view: &View<Detail>) -> bool {
    view.cluster_name.as_deref() == Some(CLUSTER)
}

/// The clusters that really exist, the largest first.
fn groups<'a>(nodes: &[Node<'a>]) -> Vec<Vec<Node<'a>>> {
    let mut first = BTreeMap::new();
    let links: Vec<(usize, usize)> = (0..nodes.len())
        .map(|at| (at, *first.entry(nodes[at].1.detail.key).or_insert(at)))
        .collect();
    let mut groups: Vec<Vec<Node<'a>>> = fragments(0..nodes.len(), links)
        .into_iter()
        .map(|group| group.into_iter().map(|at| nodes[at]).collect())
        .collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group[0].1.size));
    groups
}

fn unity(groups: &[Vec<Node<'_>>]) -> Unity {
    match groups {
        [] => Unity::apart("no member answers"),
        [one] => Unity::One { size: one.len() },
        more => Unity::apart(format!("{} fragments", more.len())),
    }
}

/// The nodes that somebody remembers, that do not answer.
fn departures(situation: &Situation<'_, Detail>) -> Vec<Departure<Ask>> {
    let views = situation.views();
    let survivors: Vec<Node<'_>> = views.values().filter(|n| is_ours(n.1)).copied().collect();
    let mut remembered: BTreeMap<&str, (IpAddr, Vec<IpAddr>)> = BTreeMap::new();
    let mut alive: BTreeMap<&str, &str> = BTreeMap::new();
    for (address, view) in &survivors {
        for (node, at) in &view.detail.departed {
            let entry = remembered.entry(node).or_insert((*at, Vec::new()));
            entry.1.push(*address);
        }
        alive.extend(
            view.alive()
                .map(|peer| (peer.node.as_str(), view.node.as_str())),
        );
    }
    let answering: BTreeSet<&str> = views.keys().copied().collect();
    let gone = remembered
        .into_iter()
        .filter(|(node, _)| !answering.contains(node));
    gone.map(|(node, (address, by))| {
        let taken = matches!(situation.answers.get(&address), Some(Ok(_)));
        let sees = alive.get(node).map(|by| Objection::AliveTo {
            node: (*by).to_owned(),
            said: format!("{node} is its peer"),
        });
        Departure {
            node: node.to_owned(),
            address: (!taken).then_some(address),
            objections: sees.into_iter().collect(),
            steps: by
                .into_iter()
                .map(|to| Step {
                    to,
                    request: Ask::Forget(node.to_owned()),
                    evidence: vec![Evidence::view(node, "departed")],
                })
                .collect(),
        }
    })
    .collect()
}
