//! A running simulated node, as tests hold it.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::sleep_until;

use crate::mesh::Mesh;
use crate::node::Node;
use crate::{Cluster, Counts, Misbehaviour, NodeId, NodeOptions, World, fabric, service};

/// A port or a file that could not be opened.
#[derive(Debug, Error)]
pub enum StartError {
    /// A port is taken, or the address is not this host's.
    #[error("cannot listen on {address}")]
    Port {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The file of a namespace cannot be used.
    #[error("cannot open {}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A running node. Dropping it kills the node: every port closes at once, nothing is said to anybody, its records are gone.
#[derive(Debug)]
pub struct SimNode {
    node: Arc<Node>,
    tasks: JoinSet<()>,
    /// In a shared world: takes the node out of it when dropped.
    _place: Option<crate::world::Place>,
}

impl SimNode {
    /// Starts a node with a heartbeat mesh of its own and opens its ports.
    ///
    /// # Errors
    /// [`StartError`] when a port is taken or the address is not this host's.
    pub async fn start(options: NodeOptions) -> Result<Self, StartError> {
        let node = Arc::new(Node::new(options, None));
        for (namespace, file) in &node.options.files {
            let kept = node.state().store.keep_in(namespace, file);
            kept.map_err(|source| StartError::File {
                file: file.clone(),
                source,
            })?;
        }
        let (service_at, service) = Self::open_service(&node).await?;
        let heartbeat = listen(SocketAddr::new(
            service_at.ip(),
            node.options.heartbeat_port,
        ))
        .await?;
        let records = listen(SocketAddr::new(service_at.ip(), node.options.fabric_port)).await?;
        let mut tasks = JoinSet::new();
        tasks.spawn(service::serve(Arc::clone(&node), service_at, service));
        tasks.spawn(Mesh::run(Arc::clone(&node), heartbeat));
        tasks.spawn(fabric::serve(Arc::clone(&node), records));
        tasks.spawn(fabric::migrate(Arc::clone(&node)));
        Ok(Self {
            node,
            tasks,
            _place: None,
        })
    }

    /// Starts a node whose cluster is decided by a shared world. It opens its info port only and holds no records.
    ///
    /// # Errors
    /// [`StartError`] when the port is taken or the address is not this host's.
    pub async fn start_in(world: &World, options: NodeOptions) -> Result<Self, StartError> {
        let node = Arc::new(Node::new(options, Some(world.wake())));
        let (service_at, service) = Self::open_service(&node).await?;
        let mut tasks = JoinSet::new();
        tasks.spawn(service::serve(Arc::clone(&node), service_at, service));
        let place = world.enter(&node);
        Ok(Self {
            node,
            tasks,
            _place: Some(place),
        })
    }

    async fn open_service(node: &Node) -> Result<(SocketAddr, Option<TcpListener>), StartError> {
        sleep_until(node.started() + node.options.port_delay).await;
        let address = SocketAddr::new(node.options.bind_address(), node.options.service_port);
        match node.options.misbehaviour {
            Misbehaviour::Late(_) => Ok((address, None)),
            _ => Ok((address, Some(listen(address).await?))),
        }
    }

    /// The node's id.
    #[must_use]
    pub fn id(&self) -> NodeId {
        self.node.id()
    }

    /// Where it answers info requests.
    #[must_use]
    pub fn service(&self) -> SocketAddr {
        self.node.member().service()
    }

    /// Where it accepts heartbeats: what to tip others to.
    #[must_use]
    pub fn heartbeat(&self) -> SocketAddr {
        self.node.member().heartbeat()
    }

    /// The cluster that it is in, as it sees it itself.
    #[must_use]
    pub fn cluster(&self) -> Option<Arc<Cluster>> {
        self.node.cluster()
    }

    /// Makes it misbehave, or behave again.
    pub fn misbehave(&self, how: Misbehaviour) {
        self.node.misbehave(how);
    }

    /// How many partitions it sends away per second while migrating; 0 pauses.
    pub fn set_migrate_rate(&self, partitions_per_second: u32) {
        self.node.set_migrate_rate(partitions_per_second);
    }

    /// What it was asked so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.node.counters.snapshot()
    }

    /// Counts from zero again.
    pub fn reset_counts(&self) {
        self.node.counters.reset();
    }

    /// Stops it and waits until its ports are closed, so that another can be started at the same address.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }

    /// Runs until one of the node's tasks ends, which none should.
    pub(crate) async fn watch(&mut self) {
        if let Some(Err(error)) = self.tasks.join_next().await {
            tracing::error!(%error, "a task of the node failed");
        }
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| StartError::Port { address, source })
}
