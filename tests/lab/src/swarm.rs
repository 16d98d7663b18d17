//! The lab as its users see it: a swarm of several nodes that can be damaged on purpose.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cleanup::keep_logs;
use crate::form::{form, in_parallel};
use crate::images::ImageSet;
use crate::names::NameServer;
use crate::network::Network;
use crate::node::Node;
use crate::options::{SwarmOptions, directory, new_directory};
use crate::process::ProcessId;
use crate::record::{LabRecord, PREFIX};
use crate::{Docker, Engines, Host, LabError, Result, clean_up_on_signals, guard, remove_lab};
use crate::{sweep, wait_for};

/// Joining is a matter of a second; on a machine that builds something at the same time, of several.
const JOIN_DEADLINE: Duration = Duration::from_secs(300);

/// A Docker Swarm of several nodes on this machine. Nodes count from 1. Dropping it removes everything.
#[derive(Debug)]
pub struct Swarm {
    dir: PathBuf,
    managers: usize,
    nodes: Vec<Node>,
    /// Whether the lab ends with this value.
    owned: bool,
    /// As long as this value lives.
    #[allow(dead_code, reason = "held, not used")]
    names: Option<NameServer>,
}

impl Swarm {
    /// Starts a swarm of `nodes` nodes, the first `managers` of which are managers, after removing what dead programs
    /// left behind. It ends when this value is dropped, also by a panic, and on SIGINT, SIGTERM and SIGHUP.
    ///
    /// # Errors
    ///
    /// Whatever stood in the way, see [`LabError`]; nothing is left behind then.
    pub fn start(nodes: usize, managers: usize) -> Result<Self> {
        Self::start_with(&SwarmOptions::new(nodes, managers))
    }

    /// [`Swarm::start`] with all its options.
    ///
    /// # Errors
    ///
    /// As for [`Swarm::start`].
    pub fn start_with(options: &SwarmOptions) -> Result<Self> {
        options.validate()?;
        Host::prepare()?;
        clean_up_on_signals()?;
        sweep()?;
        let dir = new_directory(options.stay_as.as_deref())?;
        guard::adopt(&dir);
        // From here on dropping the value removes what was made.
        let mut swarm = Self {
            dir,
            managers: options.managers,
            nodes: Vec::new(),
            owned: true,
            names: None,
        };
        let network = swarm.build(options)?;
        if options.stay_as.is_some() {
            swarm.record(None, network)?;
            guard::release(&swarm.dir);
            swarm.owned = false;
        }
        Ok(swarm)
    }

    /// The lab of this name: one that was started to stay under it, or another program's. Dropping the value leaves it
    /// running.
    ///
    /// # Errors
    ///
    /// [`LabError::Invalid`] when there is none.
    pub fn attach(name: &str) -> Result<Self> {
        let dir = directory(name);
        let record = LabRecord::read(&dir).map_err(|_| {
            LabError::Invalid(format!(
                "there is no lab `{name}`: start one with `cargo xtask lab up`"
            ))
        })?;
        let number = record.network.ok_or_else(|| {
            LabError::Invalid(format!("`{name}` is not a lab with a network of its own"))
        })?;
        let network = Network { number };
        Ok(Self {
            nodes: nodes(&dir, network, record.nodes),
            managers: record.managers,
            dir,
            owned: false,
            names: None,
        })
    }

    /// What [`Swarm::attach`] finds it by, in this program and in others.
    pub fn name(&self) -> String {
        let directory = self.dir.file_name().unwrap_or_default().to_string_lossy();
        directory.trim_start_matches(PREFIX).to_owned()
    }

    /// Where it keeps its files; what others put there goes with it.
    pub fn directory(&self) -> &Path {
        &self.dir
    }

    /// The number of nodes, running or not.
    pub fn size(&self) -> usize {
        self.nodes.len()
    }

    /// The client for node `index`.
    ///
    /// # Errors
    ///
    /// [`LabError::Invalid`] when there is no such node.
    pub fn docker(&self, index: usize) -> Result<Docker> {
        Ok(self.node(index)?.docker())
    }

    /// The address of node `index` on the lab's bridge; ports published in host mode are reachable there.
    ///
    /// # Errors
    ///
    /// [`LabError::Invalid`] when there is no such node.
    pub fn address(&self, index: usize) -> Result<Ipv4Addr> {
        Ok(self.node(index)?.address())
    }

    /// Two names: one of them is in the name, path or arguments of everything that belongs to this lab and to no other.
    ///
    /// # Errors
    ///
    /// When the lab's record is gone.
    pub fn marks(&self) -> Result<[String; 2]> {
        let directory = self.dir.file_name().unwrap_or_default();
        let group = LabRecord::read(&self.dir)?.control_group;
        Ok([directory.to_string_lossy().into_owned(), group])
    }

    /// The number of the node with this swarm id.
    pub fn index_of(&self, node_id: &str) -> Option<usize> {
        self.nodes
            .iter()
            .find(|node| {
                node.record()
                    .is_ok_and(|record| record.node_id.as_deref() == Some(node_id))
            })
            .map(|node| node.index)
    }

    /// Loads images from a file that `docker save` made into every running node, at the same time.
    ///
    /// # Errors
    ///
    /// The first node's failure.
    pub fn load(&self, archive: &Path) -> Result<()> {
        let nodes = self.nodes.iter().filter(|node| node.is_running());
        in_parallel(nodes, |node| {
            node.docker().run([
                "load".as_ref(),
                "-q".as_ref(),
                "-i".as_ref(),
                archive.as_os_str(),
            ])
        })
        .map(drop)
    }

    /// Copies images from an engine to all running nodes: saved once, loaded at the same time.
    ///
    /// # Errors
    ///
    /// When the engine does not have them all, or a node does not take them.
    pub fn load_from(&self, engine: &Docker, images: &[&str]) -> Result<()> {
        let archive = self.dir.join("images.tar");
        let path = archive.to_string_lossy().into_owned();
        engine.run(["save", "-o", &path].iter().chain(images))?;
        let loaded = self.load(&archive);
        std::fs::remove_file(&archive).map_err(LabError::file("remove", &archive))?;
        loaded
    }

    /// Waits until a manager sees `count` nodes as ready.
    ///
    /// # Errors
    ///
    /// [`LabError::Timeout`] with the nodes' last states.
    pub fn wait_ready(&self, count: usize, deadline: Duration) -> Result<()> {
        wait_for(format!("{count} ready nodes"), deadline, || {
            let seen = self
                .manager()
                .and_then(|docker| {
                    docker.lines(&["node", "ls", "--format", "{{.Hostname}} {{.Status}}"])
                })
                .map_err(|error| error.to_string())?;
            let ready = seen.iter().filter(|line| line.ends_with(" Ready")).count();
            if ready == count {
                Ok(())
            } else {
                Err(seen.join(", "))
            }
        })
    }

    /// Removes the lab now, and reports what dropping it could not.
    ///
    /// # Errors
    ///
    /// The first thing that could not be removed.
    pub fn down(mut self) -> Result<()> {
        self.owned = false;
        remove_lab(&self.dir)
    }

    fn build(&mut self, options: &SwarmOptions) -> Result<Network> {
        let (count, images) = (options.nodes, options.images.as_ref());
        let network = guard::while_open(|| {
            let network = Network::reserve()?;
            self.nodes = nodes(&self.dir, network, count);
            self.record(ProcessId::current(), network)
                .inspect_err(|_| drop(network.remove(0)))?;
            Ok(network)
        })?;
        // Whoever else has the port would ask the world for the lab's unknown names.
        let names = NameServer::start(network.gateway(), &self.dir).map_err(|error| {
            LabError::Invalid(format!(
                "a lab's name server cannot listen at port 53 of {}: {error}; allowed: no other one on all addresses",
                network.gateway()
            ))
        })?;
        self.names = Some(names);
        in_parallel(self.nodes.iter(), |node| {
            if let Some(images) = images {
                images.give(&node.data())?;
            }
            node.start()
        })?;
        if let Some(archive) = images.and_then(ImageSet::to_load) {
            self.load(archive)?;
        }
        form(&self.nodes, self.managers)?;
        self.wait_ready(count, JOIN_DEADLINE)?;
        Ok(network)
    }

    fn record(&self, owner: Option<ProcessId>, network: Network) -> Result<()> {
        LabRecord {
            owner,
            network: Some(network.number),
            control_group: network.control_group(),
            nodes: self.nodes.len(),
            managers: self.managers,
        }
        .write(&self.dir)
    }

    pub(crate) fn node(&self, index: usize) -> Result<&Node> {
        index
            .checked_sub(1)
            .and_then(|position| self.nodes.get(position))
            .ok_or_else(|| {
                LabError::Invalid(format!(
                    "there is no node {index}: they count from 1 to {}",
                    self.nodes.len()
                ))
            })
    }
}

impl Engines for Swarm {
    fn manager(&self) -> Result<Docker> {
        self.nodes[..self.managers]
            .iter()
            .find(|node| node.is_connected())
            .map(Node::docker)
            .ok_or_else(|| LabError::Invalid("no manager is running and connected".into()))
    }

    fn reachable(&self) -> Vec<Docker> {
        let running = self.nodes.iter().filter(|node| node.is_running());
        running.map(Node::docker).collect()
    }

    fn of_node(&self, node_id: &str) -> Result<Docker> {
        let index = self
            .index_of(node_id)
            .ok_or_else(|| LabError::Invalid(format!("no node of the lab has the id {node_id}")))?;
        self.docker(index)
    }
}

impl Drop for Swarm {
    fn drop(&mut self) {
        if !self.owned {
            return;
        }
        if std::thread::panicking() {
            keep_logs(&self.dir, self.nodes.len());
        }
        if let Err(error) = remove_lab(&self.dir) {
            guard::tell(format_args!(
                "the lab is not fully removed: {}",
                error.chain()
            ));
        }
    }
}

fn nodes(dir: &Path, network: Network, count: usize) -> Vec<Node> {
    (1..=count)
        .map(|index| Node::new(dir, network, index))
        .collect()
}
