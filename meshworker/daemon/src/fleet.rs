//! All clusters of this process: those that were configured, and those that
//! services declare by labels.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::{Id, JoinSet};
use tracing::{info, warn};

use crate::announce::Registry;
use crate::board::Board;
use crate::config::{Cluster, Inputs, labels};
use crate::kept::kept;
use crate::witness::LabelledServices;
use crate::worker;

/// All clusters of this process, each looked after by a task of its own, so
/// that a dead cluster never blocks another one.
pub struct Fleet {
    inputs: Inputs,
    configured: Vec<Cluster>,
    board: Arc<Board>,
    registry: Option<Arc<Registry>>,
    tasks: JoinSet<()>,
    labelled: BTreeMap<String, Labelled>,
}

/// A service that declares a cluster, and the task that looks after it.
struct Labelled {
    labels: BTreeMap<String, String>,
    /// None while its labels cannot be used.
    running: Option<(Id, watch::Sender<bool>)>,
}

impl Fleet {
    /// These clusters, and those that labels declare when `inputs` say so; all
    /// of them tell this board. With a registry the members of all of them can
    /// announce themselves there.
    pub fn new(
        configured: Vec<Cluster>,
        inputs: Inputs,
        board: Arc<Board>,
        registry: Option<Arc<Registry>>,
    ) -> Fleet {
        Fleet {
            inputs,
            configured,
            board,
            registry,
            tasks: JoinSet::new(),
            labelled: BTreeMap::new(),
        }
    }

    /// Looks after all of them until `stop` becomes true, then lets every pass
    /// that has begun finish.
    ///
    /// # Errors
    ///
    /// A worker broke, which is a bug: the process is to end and be restarted.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) -> Result<(), String> {
        for cluster in std::mem::take(&mut self.configured) {
            let (board, registry) = (Arc::clone(&self.board), self.registry.clone());
            self.tasks
                .spawn(look_after(cluster, board, registry, stop.clone()));
        }
        let services = self.inputs.labels.then(LabelledServices::new);
        while !*stop.borrow() {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                Some(ended) = self.tasks.join_next_with_id() => {
                    let (id, ()) = ended.map_err(|error| format!("a worker broke: {error}"))?;
                    self.labelled.retain(|_, labelled| labelled.running.as_ref().is_none_or(|(task, _)| *task != id));
                }
                found = next(services.as_ref()) => self.follow(found),
            }
        }
        for labelled in self.labelled.values() {
            if let Some((_, stop)) = &labelled.running {
                stop.send_replace(true);
            }
        }
        while let Some(ended) = self.tasks.join_next().await {
            ended.map_err(|error| format!("a worker broke: {error}"))?;
        }
        Ok(())
    }

    /// Starts workers for new services, and stops those of services whose
    /// labels changed or went. Stopping a worker touches no database.
    fn follow(&mut self, services: BTreeMap<String, BTreeMap<String, String>>) {
        self.labelled.retain(|service, labelled| {
            let same = services.get(service) == Some(&labelled.labels);
            if !same {
                info!(service, "labels changed or went: its worker stops");
                if let Some((_, stop)) = &labelled.running {
                    stop.send_replace(true);
                }
            }
            same
        });
        for (service, labels) in services {
            if self.labelled.contains_key(&service) {
                continue;
            }
            let running = self.start(&service, &labels);
            self.labelled.insert(service, Labelled { labels, running });
        }
    }

    fn start(
        &mut self,
        service: &str,
        labels: &BTreeMap<String, String>,
    ) -> Option<(Id, watch::Sender<bool>)> {
        let cluster = match labels::read(service, labels) {
            Ok(Some(raw)) => self.inputs.cluster(&raw).map_err(|error| error.to_string()),
            Ok(None) => return None,
            Err(error) => Err(error.to_string()),
        };
        match cluster {
            Ok(cluster) => {
                info!(
                    service,
                    engine = cluster.engine.descriptor().name,
                    "a labelled service: its worker starts"
                );
                let (stop, stopped) = watch::channel(false);
                let (board, registry) = (Arc::clone(&self.board), self.registry.clone());
                let task = look_after(cluster, board, registry, stopped);
                let task = self.tasks.spawn(task);
                Some((task.id(), stop))
            }
            Err(error) => {
                warn!(service, "its labels cannot be used: {error}");
                None
            }
        }
    }
}

/// Looks after a cluster until told to stop. A worker that breaks is started
/// again: it remembers nothing that could do more than delay.
async fn look_after(
    cluster: Cluster,
    board: Arc<Board>,
    registry: Option<Arc<Registry>>,
    stop: watch::Receiver<bool>,
) {
    let what = format!("the worker of cluster {}", cluster.name);
    let work = || {
        let (board, registry) = (Arc::clone(&board), registry.clone());
        worker::run(cluster.clone(), board, registry, stop.clone())
    };
    kept(&what, work).await;
}

async fn next(services: Option<&LabelledServices>) -> BTreeMap<String, BTreeMap<String, String>> {
    match services {
        Some(services) => services.next().await,
        None => std::future::pending().await,
    }
}
