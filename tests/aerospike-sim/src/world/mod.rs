//! Many nodes in one process without heartbeats: the world sees every tip and merges the clusters itself.
//!
//! For benches with a thousand nodes, whose real mesh would be a million links. Each node still has its own info port.

mod form;
mod groups;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use self::form::form;
use self::groups::Groups;
use crate::node::Node;
use crate::{ClusterKey, Member, NodeId};

/// The least time between two decisions: a worker's tips come in bursts.
const GATHER: Duration = Duration::from_millis(20);
/// How many times longer than a decision took no other is made: a large world must not keep a whole processor busy.
const REST: u32 = 6;

/// How quickly a shared world reacts.
#[derive(Clone, Copy, Debug)]
pub struct WorldOptions {
    /// From a tip, or from the start of the node it names, until the clusters are one.
    pub merge_delay: Duration,
    /// From the end of a node until its cluster is without it.
    pub dead_after: Duration,
}

impl Default for WorldOptions {
    /// As recorded from real nodes.
    fn default() -> Self {
        Self {
            merge_delay: Duration::from_millis(1_100),
            dead_after: Duration::from_millis(1_500),
        }
    }
}

/// A world that nodes of one process share.
#[derive(Debug)]
pub struct World {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    options: WorldOptions,
    wake: Arc<Notify>,
    nodes: Mutex<BTreeMap<NodeId, Inhabitant>>,
}

#[derive(Debug)]
struct Inhabitant {
    node: Weak<Node>,
    member: Member,
    gone_at: Option<Instant>,
    /// Since when each seed is known, for the delay.
    tipped: HashMap<SocketAddr, Instant>,
}

/// A node's place in a world, given up when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    world: Weak<Shared>,
    member: Member,
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(world) = self.world.upgrade() else {
            return;
        };
        if let Some(inhabitant) = world.nodes().get_mut(&self.member.id)
            && inhabitant.member.same_run(&self.member)
        {
            inhabitant.gone_at = Some(Instant::now());
        }
        world.wake.notify_one();
    }
}

impl World {
    /// An empty world. Must be called within a tokio runtime.
    #[must_use]
    pub fn new(options: WorldOptions) -> Self {
        let shared = Arc::new(Shared {
            options,
            wake: Arc::default(),
            nodes: Mutex::default(),
        });
        let task = tokio::spawn(turn(Arc::clone(&shared)));
        Self { shared, task }
    }

    pub(crate) fn wake(&self) -> Arc<Notify> {
        Arc::clone(&self.shared.wake)
    }

    pub(crate) fn enter(&self, node: &Arc<Node>) -> Place {
        let member = node.member();
        let inhabitant = Inhabitant {
            node: Arc::downgrade(node),
            member,
            gone_at: None,
            tipped: HashMap::new(),
        };
        self.shared.nodes().insert(member.id, inhabitant);
        self.shared.wake.notify_one();
        Place {
            world: Arc::downgrade(&self.shared),
            member,
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn nodes(&self) -> MutexGuard<'_, BTreeMap<NodeId, Inhabitant>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings every cluster up to date. Returns when the next change is due that time alone brings.
    fn decide(&self) -> Option<Instant> {
        let now = Instant::now();
        let mut due: Option<Instant> = None;
        let mut later = |at: Instant| due = Some(due.map_or(at, |known| known.min(at)));
        let mut nodes = self.nodes();
        nodes.retain(|_, inhabitant| {
            match inhabitant.gone_at.map(|at| at + self.options.dead_after) {
                Some(at) if at <= now => false,
                Some(at) => {
                    later(at);
                    true
                }
                None => true,
            }
        });

        let lingering: Vec<Member> = nodes
            .values()
            .filter(|inhabitant| inhabitant.gone_at.is_some())
            .map(|inhabitant| inhabitant.member)
            .collect();

        let mut alive: Vec<(Arc<Node>, &mut Inhabitant)> = Vec::new();
        for inhabitant in nodes.values_mut() {
            let Some(node) = inhabitant
                .node
                .upgrade()
                .filter(|_| inhabitant.gone_at.is_none())
            else {
                continue;
            };
            let first_round = node.started() + node.options.first_round;
            if first_round > now {
                later(first_round);
                continue;
            }
            alive.push((node, inhabitant));
        }
        let at: HashMap<SocketAddr, usize> = alive
            .iter()
            .enumerate()
            .map(|(index, (_, one))| (one.member.heartbeat(), index))
            .collect();
        // One member of each present cluster: all others are with it. Whoever came back is in none, and has to be met again.
        let mut first_of: HashMap<ClusterKey, usize> = HashMap::new();

        let mut groups = Groups::new(alive.len());
        for index in 0..alive.len() {
            let Some((node, inhabitant)) = alive.get_mut(index) else {
                continue;
            };
            let name = node.cluster_name();
            let seeds: Vec<SocketAddr> = node
                .state()
                .seeds
                .iter()
                .filter_map(|seed| seed.literal())
                .collect();
            inhabitant.tipped.retain(|seed, _| seeds.contains(seed));
            let mut partners: Vec<usize> = Vec::new();
            for seed in seeds {
                // Whoever is not there cannot be met; a start is an event of its own and brings this decision again.
                let Some(partner) = at.get(&seed) else {
                    continue;
                };
                let met = *inhabitant.tipped.entry(seed).or_insert(now) + self.options.merge_delay;
                if met > now && node.cluster().is_some() {
                    later(met);
                } else {
                    partners.push(*partner);
                }
            }
            if let Some(cluster) = node.cluster() {
                partners.push(*first_of.entry(cluster.key()).or_insert(index));
            }
            for partner in partners {
                if alive
                    .get(partner)
                    .is_some_and(|(other, _)| other.cluster_name() == name)
                {
                    groups.join(index, partner);
                }
            }
        }
        for group in groups.all() {
            let members: Vec<&Arc<Node>> = group
                .iter()
                .filter_map(|at| Some(&alive.get(*at)?.0))
                .collect();
            form(&members, &lingering);
        }
        due
    }
}

async fn turn(world: Arc<Shared>) {
    loop {
        let begun = Instant::now();
        let due = world.decide();
        let rest = GATHER.max(begun.elapsed() * REST);
        let next = async {
            match due {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = world.wake.notified() => {}
            () = next => {}
        }
        sleep_until(begun + rest).await;
    }
}
