//! What follows from the views of a Redis Cluster's nodes. Pure: the same
//! situation gives the same proposal, whatever happened before.
//!
//! ```text
//! World ──> join      fragments become one
//!       ──> assign    a new cluster gets its slots
//!       ──> open      slots on the move arrive, or are closed
//!       ──> replicas  empty members follow a master, or become one
//!       ──> versions  what cannot be undone is said
//!       ──> stale     replicas that ask at an old address are told again
//!       ──> balance   masters with few slots get some
//!       ──> leave    members that are meant to go hand over what they hold
//!       ──> depart    nodes that the cluster holds to be gone
//!       ──> outside   who was never in, or is no member of ours
//!       ──> copies    who has the keys of which slots
//!       ──> unity     what is missing yet
//! ```

mod assign;
mod balance;
mod claim;
mod copies;
mod depart;
mod evacuate;
mod join;
mod large;
mod leave;
mod open;
mod outside;
mod replicas;
mod stale;
mod unity;
mod versions;
mod world;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use meshworker_core::{Capabilities, Evidence, Place, Planner, Proposal, Refusal, Situation, Step};

use super::detail::Detail;
use super::request::{Act, RedisRequest};
use crate::Access;
use leave::Leaves;
use world::{Node, World};

/// The planner of a Redis Cluster, by what the operator wishes. It has no connection:
/// the daemon, the tests and the simulation run the same one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The client port that a node is introduced by.
    pub port: u16,
    /// The name that nodes must announce, if any.
    pub cluster_name: Option<String>,
    /// How many replicas each master has.
    pub replicas: usize,
    /// How many members a new cluster waits for.
    pub initial: usize,
}

impl Planner for Rules {
    type Detail = Detail;
    type Request = RedisRequest;

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            min_members: super::MIN_MASTERS,
        }
    }

    fn propose(&self, situation: &Situation<'_, Detail>) -> Proposal<RedisRequest> {
        propose(self, situation)
    }
}

impl Rules {
    /// The wishes among these options.
    pub fn of(access: &Access) -> Rules {
        let option = |name| access.options.get(name).map(String::as_str);
        Rules {
            port: access.port,
            cluster_name: access.cluster_name.clone(),
            replicas: option(super::REPLICAS)
                .and_then(super::replicas)
                .unwrap_or(1),
            initial: option(super::INITIAL)
                .and_then(super::initial)
                .unwrap_or(super::MIN_MASTERS),
        }
    }

    /// How many masters a cluster of this many members has.
    fn masters(&self, members: usize) -> usize {
        (members / (1 + self.replicas))
            .max(super::MIN_MASTERS)
            .min(members)
    }
}

/// What is proposed so far.
#[derive(Debug, Default)]
struct Draft {
    steps: Vec<Step<RedisRequest>>,
    refusals: Vec<Refusal>,
    /// What is missing for unity and no step or refusal shows.
    waits: Vec<String>,
    /// Where nodes of another formed cluster answered.
    foreign: Vec<Place>,
}

impl Draft {
    fn step(&mut self, to: &Node<'_>, act: Act, said: Vec<Evidence>) {
        self.steps.push(Step::new(
            to.address,
            RedisRequest {
                node: to.id.to_owned(),
                act,
                parting: false,
            },
            said,
        ));
    }
}

/// What would bring the wanted members closer to being one cluster.
pub fn propose(rules: &Rules, situation: &Situation<'_, Detail>) -> Proposal<RedisRequest> {
    let mut draft = Draft::default();
    let world = World::of(rules, situation, &mut draft.refusals);
    let (mut departures, mut bystanders) = (Vec::new(), Vec::new());
    let mut leaves = Leaves::new(rules, situation, &world);
    let mut stuck = BTreeSet::new();
    if world.anchor().is_some() {
        versions::remark(&world, &mut draft);
        let joining = join::fragments(rules, &world, &mut draft);
        join::lost_addresses(rules, &world, &mut draft);
        join::unheard_of(rules, &world, &mut draft);
        if world.unowned.is_empty() {
            let opened = open::slots(&world, &mut draft);
            let cast = replicas::cast(rules, &world);
            replicas::attach(rules, &world, &cast, &mut draft);
            stale::links(&world, &mut draft);
            if !opened.any && !replicas::promote(rules, &world, &cast, &mut draft) {
                balance::masters(&world, &cast, &mut draft);
            }
            stuck = opened.stuck_nodes(&world);
            leaves.taken_over_by(cast, opened);
        } else {
            assign::slots(rules, situation, &world, joining, &mut draft);
        }
        departures = depart::departures(situation, &world);
        bystanders = outside::bystanders(situation, &world);
    }
    let unity = unity::of(&world, situation, &draft);
    let copies = copies::copies(&world);
    let mut strangers = outside::never_in(situation, &world);
    strangers.extend(draft.foreign);
    let (leaves, kept) = leaves.all();
    draft.refusals.extend(kept);
    Proposal {
        steps: draft.steps,
        departures,
        leaves,
        floor: leave::floor(&world),
        strangers: world.strangers.into_iter().chain(strangers).collect(),
        bystanders,
        quiet: true,
        stuck,
        copies,
        refusals: draft.refusals,
        ..Proposal::nothing(unity)
    }
}
