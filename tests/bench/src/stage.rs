//! A service of simulated members, and the witnesses that tell of them.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use aerospike_sim::{Edition, NodeOptions, SimNode, World, WorldOptions};
use anyhow::{Result, ensure};
use fake_dns::{Behaviour, FakeDns};
use tokio::time::{Instant, sleep};

use crate::engine::{Engine, NETWORK, SERVICE};
use crate::silence::Silence;

/// The service's name in DNS.
const NAME: &str = "db";

/// The port that members answer at.
const PORT: u16 = 3000;

/// How often the cluster's size is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// A service of simulated members, and the witnesses that tell of them.
#[derive(Debug)]
pub struct Stage {
    /// Who answers.
    pub nodes: Vec<SimNode>,
    /// The name server.
    pub dns: FakeDns,
    /// The Docker API, where there is one.
    pub engine: Option<Engine>,
    listed: BTreeSet<IpAddr>,
    network: [u8; 2],
    world: World,
}

impl Stage {
    /// A service without members, whose addresses will begin with these bytes.
    ///
    /// # Errors
    ///
    /// When a socket cannot be had.
    pub async fn new(network: [u8; 2], with_engine: bool) -> Result<Stage> {
        Ok(Stage {
            nodes: Vec::new(),
            dns: FakeDns::start().await?,
            engine: with_engine.then(Engine::start),
            listed: BTreeSet::new(),
            network,
            world: World::new(WorldOptions::default()),
        })
    }

    /// The address of a member, counted from 0. No address is the beginning of
    /// another one.
    pub fn address(&self, member: u8, of_hundreds: u8) -> IpAddr {
        let [a, b] = self.network;
        [127, a, b + of_hundreds, 101 + member].into()
    }

    /// Starts so many members, all listed, and waits until each is a cluster of
    /// itself, which takes two seconds.
    ///
    /// # Errors
    ///
    /// When an address is taken.
    pub async fn populate(&mut self, members: usize) -> Result<()> {
        for number in 0..members {
            let address = self.address((number % 100) as u8, (number / 100) as u8);
            self.start(address).await?;
            self.listed.insert(address);
            if let Some(engine) = &self.engine {
                engine.add(address);
            }
        }
        self.publish();
        while self.nodes.iter().any(|node| node.cluster().is_none()) {
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// Starts the member at this address: its port answers from now on.
    ///
    /// # Errors
    ///
    /// When the address is taken.
    pub async fn start(&mut self, address: IpAddr) -> Result<()> {
        let mut options = NodeOptions::at(address);
        options.edition = Edition::Enterprise;
        let node = SimNode::start_in(&self.world, options).await?;
        self.nodes.push(node);
        Ok(())
    }

    /// The Docker API knows this address from now on.
    pub fn assign(&self, address: IpAddr) {
        if let Some(engine) = &self.engine {
            engine.add(address);
        }
    }

    /// DNS lists this address from now on.
    pub fn list(&mut self, address: IpAddr) {
        self.listed.insert(address);
        self.publish();
    }

    fn publish(&self) {
        let all = self.listed.iter().copied().collect();
        self.dns.set(NAME, Behaviour::Answer(all));
    }

    /// Nobody answers at this address, until what is returned is dropped.
    ///
    /// # Errors
    ///
    /// When the address is taken.
    pub async fn silence(&self, address: IpAddr) -> Result<Silence> {
        Silence::at(address, PORT).await
    }

    /// Waits until all members are one cluster.
    ///
    /// # Errors
    ///
    /// When that takes longer than a minute.
    pub async fn formed(&self) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(60);
        let all = self.nodes.len();
        let whole = |node: &SimNode| node.cluster().is_some_and(|cluster| cluster.size() == all);
        while !self.nodes.iter().all(whole) {
            ensure!(
                Instant::now() < deadline,
                "{all} members are not one cluster"
            );
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// What a worker for this service is started with.
    pub fn arguments(&self) -> Vec<String> {
        let mut arguments = vec![
            format!("--servicename={NAME}"),
            format!("--name-server={}", self.dns.address()),
        ];
        if self.engine.is_some() {
            arguments.extend([
                "--docker=yes".into(),
                format!("--docker-service={SERVICE}"),
                format!("--network={NETWORK}"),
            ]);
        } else {
            arguments.push("--docker=no".into());
        }
        arguments
    }

    /// The variables that it needs.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let engine = self.engine.iter();
        engine
            .map(|engine| ("DOCKER_HOST", engine.host()))
            .collect()
    }
}
