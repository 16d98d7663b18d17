//! Nodes on addresses that no other test uses, and a name server that lists them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use aerospike_sim::testing::Loopback;
use aerospike_sim::{ClusterKey, Misbehaviour, NodeOptions, SimNode, info};
use fake_dns::{Behaviour, FakeDns};
use meshworker::config::{Cluster, Inputs, Origin, Raw};

use super::until;

/// The hold and the window of every worker here, and the longest time between
/// two passes: so short that whatever is removed is removed while it is watched.
const QUICK: [(&str, &str); 4] = [
    ("removal-hold", "0.3"),
    ("removal-window", "0.1"),
    ("interval", "0.1"),
    ("docker", "no"),
];

/// The nodes of one service, and the name server that lists them.
pub struct World {
    block: Loopback,
    pub dns: FakeDns,
    pub service: String,
    /// Missing heartbeats until a node is dead to the others.
    pub timeout: u32,
    nodes: BTreeMap<u16, SimNode>,
}

impl World {
    /// No node yet, and a service that does not exist.
    pub async fn new() -> World {
        World {
            block: Loopback::claim().unwrap(),
            dns: FakeDns::start().await.unwrap(),
            service: "db".to_owned(),
            timeout: 30,
            nodes: BTreeMap::new(),
        }
    }

    /// With these nodes running and listed, and made one cluster by a worker.
    pub async fn formed(nodes: impl IntoIterator<Item = u16> + Clone) -> World {
        let mut world = World::new().await;
        world.form(nodes).await;
        world
    }

    /// Starts these nodes, lists them, and lets a worker make them one cluster.
    pub async fn form(&mut self, nodes: impl IntoIterator<Item = u16> + Clone) {
        self.start(nodes.clone()).await;
        self.list(nodes.clone());
        let worker = super::Shift::start(self.cluster(&[]));
        self.one_cluster(nodes).await;
        worker.end().await;
    }

    /// The n-th address.
    pub fn address(&self, number: u16) -> IpAddr {
        self.block.address(number)
    }

    /// These addresses.
    pub fn addresses(&self, numbers: impl IntoIterator<Item = u16>) -> Vec<IpAddr> {
        numbers
            .into_iter()
            .map(|number| self.address(number))
            .collect()
    }

    /// A node that forms clusters sooner than a real one, and dies as one does.
    pub fn options(&self, number: u16) -> NodeOptions {
        NodeOptions {
            interval: Duration::from_millis(50),
            timeout: self.timeout,
            first_round: Duration::from_millis(300),
            cluster_name: self.service.clone(),
            ..NodeOptions::at(self.address(number))
        }
    }

    /// Starts these nodes.
    pub async fn start(&mut self, numbers: impl IntoIterator<Item = u16>) {
        for number in numbers {
            self.start_as(number, self.options(number)).await;
        }
    }

    /// Starts a node that differs.
    pub async fn start_as(&mut self, number: u16, options: NodeOptions) {
        self.nodes
            .insert(number, SimNode::start(options).await.unwrap());
    }

    /// Kills a node; its ports are closed when this returns.
    pub async fn stop(&mut self, number: u16) {
        self.nodes.remove(&number).unwrap().stop().await;
    }

    /// A running node.
    pub fn node(&self, number: u16) -> &SimNode {
        &self.nodes[&number]
    }

    /// Makes a node misbehave, or behave again.
    pub fn misbehave(&self, number: u16, how: Misbehaviour) {
        self.node(number).misbehave(how);
    }

    /// From now on the name server lists exactly these.
    pub fn list(&self, numbers: impl IntoIterator<Item = u16>) {
        let listed = Behaviour::Answer(self.addresses(numbers));
        self.dns.set(&self.service, listed);
    }

    /// What a worker here is started with, as flags; later ones win.
    pub fn settings(&self, more: &[(&str, &str)]) -> Vec<(String, String)> {
        let server = self.dns.address().to_string();
        let own = [
            ("servicename", self.service.as_str()),
            ("cluster-name", self.service.as_str()),
            ("name-server", server.as_str()),
        ];
        let all = own.iter().chain(&QUICK).chain(more);
        let all: BTreeMap<&str, &str> = all.copied().collect();
        let all = all.into_iter().filter(|(_, value)| !value.is_empty());
        all.map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    /// The same as a validated configuration.
    pub fn cluster(&self, more: &[(&str, &str)]) -> Cluster {
        let mut shared = Raw::default();
        for (name, value) in self.settings(more) {
            shared.give(&name, value, Origin::Flag).unwrap();
        }
        let inputs = Inputs {
            shared,
            ..Inputs::default()
        };
        inputs.clusters().unwrap().remove(0)
    }

    /// Waits until each of these sees one cluster of exactly these nodes.
    pub async fn one_cluster(&self, numbers: impl IntoIterator<Item = u16>) -> ClusterKey {
        let numbers: Vec<u16> = numbers.into_iter().collect();
        let wanted: BTreeSet<IpAddr> = self
            .addresses(numbers.iter().copied())
            .into_iter()
            .collect();
        let is_one = |all: &Vec<_>| {
            let first: &Option<(ClusterKey, BTreeSet<IpAddr>)> = &all[0];
            let members = first.as_ref().map(|(_, members)| members);
            members == Some(&wanted) && all.iter().all(|other| other == first)
        };
        let look = async || numbers.iter().map(|n| self.standing(*n)).collect();
        let all: Vec<_> = until("one cluster", look, is_one).await;
        all.into_iter().flatten().next().unwrap().0
    }

    /// Which cluster this node is in, and its members.
    pub fn standing(&self, number: u16) -> Option<(ClusterKey, BTreeSet<IpAddr>)> {
        let cluster = self.node(number).cluster()?;
        let members = cluster.members().iter().map(|member| member.address);
        Some((cluster.key(), members.collect()))
    }

    /// Whom this node keeps dialling.
    pub async fn seeds(&self, number: u16) -> BTreeSet<IpAddr> {
        let seeds = info(self.node(number).service(), "sim-seeds")
            .await
            .unwrap();
        let seeds = seeds.split(',').filter(|seed| !seed.is_empty());
        seeds
            .map(|seed| seed.rsplit_once(':').unwrap().0.parse().unwrap())
            .collect()
    }

    /// Whom any of the running nodes keeps dialling.
    pub async fn all_seeds(&self) -> BTreeSet<IpAddr> {
        let mut all = BTreeSet::new();
        for number in self.nodes.keys() {
            all.extend(self.seeds(*number).await);
        }
        all
    }

    /// How often any running node was asked for this.
    pub fn asked(&self, command: &str) -> u64 {
        self.nodes
            .values()
            .map(|node| node.counts().of(command))
            .sum()
    }

    /// How often any running node was told to forget somebody.
    pub fn removals(&self) -> u64 {
        self.asked("tip-clear") + self.asked("services-alumni-reset")
    }

    /// Waits until each of these was told to forget somebody, and has.
    pub async fn forgotten_by(&self, numbers: impl IntoIterator<Item = u16>) {
        let numbers: Vec<u16> = numbers.into_iter().collect();
        let look = async || {
            let counts = numbers.iter().map(|number| self.node(*number).counts());
            let told = counts.map(|c| (c.of("tip-clear"), c.of("services-alumni-reset")));
            told.collect()
        };
        let all =
            |told: &Vec<(u64, u64)>| told.iter().all(|(clear, reset)| *clear > 0 && *reset > 0);
        until(
            "(tip-clear, services-alumni-reset) at each survivor",
            look,
            all,
        )
        .await;
    }
}
