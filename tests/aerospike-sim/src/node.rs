//! What all tasks of one node share.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::counters::Counters;
use crate::fabric::FabricClient;
use crate::state::State;
use crate::{Cluster, Member, Misbehaviour, NodeId, NodeOptions};

/// One node: its options, its state, its counters.
#[derive(Debug)]
pub(crate) struct Node {
    pub options: NodeOptions,
    pub counters: Counters,
    pub fabric: FabricClient,
    /// Wakes whoever decides about the cluster: something was tipped, cleared or asked for.
    pub wake: Arc<Notify>,
    /// The cluster is decided by the process that all nodes run in, not by heartbeats.
    pub shared_world: bool,
    started: Instant,
    me: Member,
    state: Mutex<State>,
    misbehaviour: watch::Sender<Misbehaviour>,
    migrate_rate: AtomicU32,
    heartbeats: AtomicBool,
}

impl Node {
    /// A node that starts now. With `world_wake`, that world decides about its cluster.
    pub fn new(options: NodeOptions, world_wake: Option<Arc<Notify>>) -> Self {
        let incarnation = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(1, |since| since.as_nanos() as u64);
        Self {
            me: options.member(incarnation),
            state: Mutex::new(State::new(&options)),
            misbehaviour: watch::Sender::new(options.misbehaviour.clone()),
            migrate_rate: AtomicU32::new(options.migrate_rate),
            heartbeats: AtomicBool::new(true),
            counters: Counters::default(),
            fabric: FabricClient::default(),
            shared_world: world_wake.is_some(),
            wake: world_wake.unwrap_or_default(),
            started: Instant::now(),
            options,
        }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn id(&self) -> NodeId {
        self.me.id
    }

    /// This node as a member, quiesced when that was asked for.
    pub fn member(&self) -> Member {
        Member {
            quiesced: self.state().quiesce,
            ..self.me
        }
    }

    pub fn started(&self) -> Instant {
        self.started
    }

    pub fn misbehaviour(&self) -> Misbehaviour {
        self.misbehaviour.borrow().clone()
    }

    pub fn watch_misbehaviour(&self) -> watch::Receiver<Misbehaviour> {
        self.misbehaviour.subscribe()
    }

    pub fn misbehave(&self, how: Misbehaviour) {
        tracing::info!(node = %self.id(), %how, "told to misbehave");
        self.misbehaviour.send_replace(how);
        self.wake.notify_one();
    }

    pub fn is_isolated(&self) -> bool {
        *self.misbehaviour.borrow() == Misbehaviour::Isolated
    }

    /// The name of the cluster that this node says it belongs to.
    pub fn cluster_name(&self) -> String {
        match &*self.misbehaviour.borrow() {
            Misbehaviour::WrongName(name) => name.clone(),
            _ => self.options.cluster_name.clone(),
        }
    }

    /// Whether it takes part in heartbeats: `heartbeat.protocol` may be switched off while it runs.
    pub fn heartbeats(&self) -> bool {
        self.heartbeats.load(Ordering::Relaxed)
    }

    pub fn set_heartbeats(&self, on: bool) {
        self.heartbeats.store(on, Ordering::Relaxed);
        self.wake.notify_one();
    }

    pub fn migrate_rate(&self) -> u32 {
        self.migrate_rate.load(Ordering::Relaxed)
    }

    pub fn set_migrate_rate(&self, rate: u32) {
        self.migrate_rate.store(rate, Ordering::Relaxed);
    }

    pub fn cluster(&self) -> Option<Arc<Cluster>> {
        self.state().cluster().cloned()
    }

    pub fn adopt(&self, cluster: Arc<Cluster>) {
        if self.shared_world {
            tracing::debug!(node = %self.id(), key = %cluster.key(), size = cluster.size(), "new cluster");
        } else {
            tracing::info!(node = %self.id(), key = %cluster.key(), size = cluster.size(), "new cluster");
        }
        self.state().adopt(cluster);
    }
}
