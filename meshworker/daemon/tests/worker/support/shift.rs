//! A worker inside the test: its loop as a task, and its passes counted.
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use meshworker::config::Cluster;
use meshworker::witness::{self, Source};
use meshworker::worker::{Pass, Worker};
use meshworker_core::{Place, Report, StepKind, Witness};
use meshworker_engines::Engine;
use meshworker_engines::aerospike::Aerospike;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::recorded::{Recorded, Steps};
use super::until;

/// A worker that runs until the shift ends.
pub struct Shift {
    begun: Arc<AtomicU64>,
    steps: Steps,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Shift {
    /// A worker whose only witness is the name server.
    pub fn start(cluster: Cluster) -> Shift {
        Shift::start_beside(cluster, Vec::new())
    }

    /// A worker with these witnesses besides the name server.
    pub fn start_beside(cluster: Cluster, others: Vec<Arc<dyn Source>>) -> Shift {
        let begun = Arc::new(AtomicU64::new(0));
        let mut sources = witness::sources(&cluster);
        sources.push(Arc::new(Looks(Arc::clone(&begun))));
        sources.extend(others);
        let engine = Recorded::new(cluster.access.clone());
        let steps = Arc::clone(&engine.steps);
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(Worker::new(cluster, engine, sources).run(stopped));
        Shift {
            begun,
            steps,
            stop,
            task,
        }
    }

    /// Lets the worker make so many whole passes from now on.
    pub async fn watch(&self, passes: u64) {
        // One may be in the middle; the last is whole when the next one begins.
        let enough = self.begun.load(Ordering::Relaxed) + passes + 2;
        let look = async || {
            assert!(!self.task.is_finished(), "the worker ended by itself");
            self.begun.load(Ordering::Relaxed)
        };
        until("passes", look, |begun| *begun >= enough).await;
    }

    /// What this worker, not another one, did to make a node forget another one.
    pub fn removals(&self) -> Vec<String> {
        let steps = self.steps.lock().unwrap();
        let removals = steps.iter().filter(|(kind, _)| *kind == StepKind::Forget);
        removals.map(|(_, step)| step.clone()).collect()
    }

    /// Tells the worker to stop, and waits until it has.
    pub async fn end(self) {
        self.stop.send_replace(true);
        self.task.await.unwrap();
    }
}

/// One pass of a fresh worker, which looks and does nothing.
pub async fn look(cluster: Cluster) -> Pass<Aerospike> {
    let engine = Aerospike::new(cluster.access.clone());
    let sources = witness::sources(&cluster);
    Worker::new(cluster, engine, sources).look().await
}

/// Counts the looks: a witness that is asked once in each, at its beginning, and
/// sees nobody.
struct Looks(Arc<AtomicU64>);

impl Source for Looks {
    fn witness(&self) -> Witness {
        Witness::Announce
    }

    fn report(&self) -> BoxFuture<'_, Report> {
        self.0.fetch_add(1, Ordering::Relaxed);
        std::future::ready(Report::addresses(Witness::Announce, [])).boxed()
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        std::future::pending().boxed()
    }
}

/// The task list as a witness: always complete, and whatever the test says.
#[derive(Default)]
pub struct TaskList(Mutex<Vec<IpAddr>>);

impl TaskList {
    /// From now on the service has a task at each of these addresses.
    pub fn set(&self, addresses: Vec<IpAddr>) {
        *self.0.lock().unwrap() = addresses;
    }
}

impl Source for TaskList {
    fn witness(&self) -> Witness {
        Witness::Docker
    }

    fn report(&self) -> BoxFuture<'_, Report> {
        let addresses = self.0.lock().unwrap().clone();
        async { Report::addresses(Witness::Docker, addresses.into_iter().map(Place::from)) }.boxed()
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        std::future::pending().boxed()
    }
}
