//! One node of a lab. It holds no state: what a node is doing is read from its record and from the kernel.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use crate::engine::{self, EngineSpec, Place};
use crate::guard;
use crate::network::Network;
use crate::record::{NodeRecord, node_directory};
use crate::{Docker, Result};

/// The `index`-th node (from 1) of a lab.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub index: usize,
    dir: PathBuf,
    network: Network,
}

impl Node {
    pub(crate) fn new(lab: &Path, network: Network, index: usize) -> Self {
        Self {
            index,
            dir: node_directory(lab, index),
            network,
        }
    }

    /// Switches the node on: its network from scratch, its engine on the data that is there. Returns once the engine
    /// answers.
    pub(crate) fn start(&self) -> Result<()> {
        let spec = EngineSpec {
            dir: self.dir.clone(),
            data: self.data(),
            node: self.index,
            hostname: format!("node{}", self.index),
            control_group: self.control_group(),
            place: Place::Node {
                namespace: self.network.namespace(self.index),
                name_server: self.network.gateway(),
            },
        };
        guard::while_open(|| self.network.attach(self.index))?;
        let node_id = self.record().ok().and_then(|record| record.node_id);
        let id = spec.start(|engine| NodeRecord { engine, node_id }.write(&self.dir))?;
        spec.wait_ready(id)
    }

    /// Takes the node's power away: its processes and its network are gone when this returns.
    pub(crate) fn kill(&self) -> Result<()> {
        // First the cable, or else the kernel would tell the peers that nobody listens any more.
        self.network.detach(self.index)?;
        engine::kill(self.record()?.engine)
    }

    /// Pulls its cable or plugs it in.
    pub(crate) fn plug(&self, plugged: bool) -> Result<()> {
        self.network.plug(self.index, plugged)
    }

    /// Asks the engine for the node's id in the swarm and writes it down.
    pub(crate) fn learn_id(&self) -> Result<()> {
        let mut record = self.record()?;
        record.node_id = Some(self.docker().node_id()?);
        record.write(&self.dir)
    }

    pub(crate) fn record(&self) -> Result<NodeRecord> {
        NodeRecord::read(&self.dir)
    }

    /// Whether it has power.
    pub(crate) fn is_running(&self) -> bool {
        self.record().is_ok_and(|record| record.engine.is_running())
    }

    /// Whether it has power and its cable is plugged in.
    pub(crate) fn is_connected(&self) -> bool {
        self.is_running() && self.network.is_plugged(self.index)
    }

    pub(crate) fn docker(&self) -> Docker {
        Docker::at(format!("unix://{}", engine::socket(&self.dir).display()))
    }

    pub(crate) fn address(&self) -> Ipv4Addr {
        self.network.address(self.index)
    }

    /// Where its engine keeps images, containers and volumes.
    pub(crate) fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    fn control_group(&self) -> String {
        format!("{}/n{}", self.network.control_group(), self.index)
    }
}
