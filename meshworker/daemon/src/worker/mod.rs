//! The loop: observe, decide, act, tell, for each cluster.

mod act;
mod cadence;
mod observe;
mod pass;
mod patience;
mod tell;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, select_all};
use meshworker_core::{Context, History, Moment, decide};
use meshworker_engines::Engine;
use meshworker_engines::registry::Visitor;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::config::Cluster;
use crate::witness::{self, Source};

use cadence::Cadence;
use observe::Observer;
pub use pass::{Done, Pass, Requests};
use tell::Teller;

/// Looks after a cluster, whichever its engine, until `shutdown` becomes true.
pub async fn run(cluster: Cluster, shutdown: watch::Receiver<bool>) {
    visit(cluster, Run(shutdown)).await;
}

/// Works on a cluster, whichever its engine, until it is one.
///
/// # Errors
///
/// What is still missing after `timeout`.
pub async fn until_one(cluster: Cluster, timeout: Duration) -> Result<String, String> {
    visit(cluster, UntilOne(timeout)).await
}

/// Something to do with a worker of whichever engine.
pub trait Job: Send {
    /// What comes of it.
    type Output;

    /// Does it.
    fn work<E: Engine>(self, worker: Worker<E>) -> BoxFuture<'static, Self::Output>;
}

/// Makes the worker of a cluster and hands it to the job.
pub fn visit<J: Job>(cluster: Cluster, job: J) -> BoxFuture<'static, J::Output> {
    struct Visit<J>(Cluster, J);
    impl<J: Job> Visitor for Visit<J> {
        type Output = BoxFuture<'static, J::Output>;

        fn visit<E: Engine>(self, engine: E) -> Self::Output {
            let Visit(cluster, job) = self;
            let sources = witness::sources(&cluster);
            job.work(Worker::new(cluster, engine, sources))
        }
    }
    let (engine, access) = (cluster.engine, cluster.access.clone());
    engine.with(access, Visit(cluster, job))
}

struct Run(watch::Receiver<bool>);

impl Job for Run {
    type Output = ();

    fn work<E: Engine>(self, worker: Worker<E>) -> BoxFuture<'static, ()> {
        worker.run(self.0).boxed()
    }
}

struct UntilOne(Duration);

impl Job for UntilOne {
    type Output = Result<String, String>;

    fn work<E: Engine>(self, worker: Worker<E>) -> BoxFuture<'static, Self::Output> {
        worker.until_one(self.0).boxed()
    }
}

/// Looks after one cluster.
pub struct Worker<E: Engine> {
    cluster: Cluster,
    engine: Arc<E>,
    sources: Vec<Arc<dyn Source>>,
    observer: Observer<E>,
    history: History,
    started: Instant,
    passes: u64,
}

impl<E: Engine> Worker<E> {
    /// A worker that has seen nothing yet.
    pub fn new(cluster: Cluster, engine: E, sources: Vec<Arc<dyn Source>>) -> Worker<E> {
        let engine = Arc::new(engine);
        Worker {
            observer: Observer::new(Arc::clone(&engine), cluster.access.deadline),
            cluster,
            engine,
            sources,
            history: History::default(),
            started: Instant::now(),
            passes: 0,
        }
    }

    /// One pass that looks and decides, and does nothing.
    pub async fn look(&mut self) -> Pass<E> {
        let began = Instant::now();
        let (observed, requests) = self.observer.observe(&self.sources).await;
        let context = Context {
            now: Moment(began - self.started),
            limits: &self.cluster.limits,
            min_members: self.cluster.min_members,
        };
        let history = std::mem::take(&mut self.history);
        let (plan, history) = decide(&*self.engine, &context, &observed, history);
        self.history = history;
        self.passes += 1;
        Pass {
            number: self.passes,
            took: began.elapsed(),
            observed,
            plan,
            done: Vec::new(),
            requests,
        }
    }

    /// One whole pass: look, decide, do.
    pub async fn pass(&mut self) -> Pass<E> {
        let began = Instant::now();
        let mut pass = self.look().await;
        pass.done = act::perform(&self.engine, &pass.plan.steps).await;
        pass.requests.steps = pass.done.len();
        pass.took = began.elapsed();
        pass
    }

    /// Passes until the members are one cluster, at most for `timeout`.
    ///
    /// # Errors
    ///
    /// What is still missing at the deadline.
    pub async fn until_one(mut self, timeout: Duration) -> Result<String, String> {
        let deadline = Instant::now() + timeout;
        let mut teller = Teller::new(&self.cluster);
        let mut cadence = Cadence::new(self.cluster.interval);
        let mut missing = "nothing was seen yet".to_owned();
        loop {
            let Ok(pass) = tokio::time::timeout_at(deadline, self.pass()).await else {
                return Err(missing);
            };
            teller.tell(&pass);
            // Steps that were just made may still change something: verified
            // is what a pass with nothing to do has seen.
            if pass.plan.unity.is_one() && pass.plan.steps.is_empty() {
                return Ok(pass.plan.unity.to_string());
            }
            missing = pass.plan.unity.to_string();
            let pause = cadence.pause(&pass, self.started);
            if tokio::time::timeout_at(deadline, sleep(pause))
                .await
                .is_err()
            {
                return Err(missing);
            }
        }
    }

    /// Looks after the cluster until `shutdown` becomes true. A pass that has
    /// begun is finished first.
    pub async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        let mut teller = Teller::new(&self.cluster);
        let mut cadence = Cadence::new(self.cluster.interval);
        while !*shutdown.borrow() {
            let pass = self.pass().await;
            teller.tell(&pass);
            let pause = cadence.pause(&pass, self.started);
            tokio::select! {
                () = sleep(pause) => {}
                () = woken(&self.sources) => {}
                _ = shutdown.wait_for(|stop| *stop) => {}
            }
        }
    }
}

/// Resolves when any witness says that something may have changed.
async fn woken(sources: &[Arc<dyn Source>]) {
    if sources.is_empty() {
        return std::future::pending().await;
    }
    let changes: Vec<BoxFuture<'_, ()>> = sources.iter().map(|source| source.changed()).collect();
    select_all(changes).await;
}
