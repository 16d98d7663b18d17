//! Clients that write while something happens to the cluster.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{PATIENCE, wait_for};
use crate::{ClientError, info};

/// How many write side by side.
const WRITERS: usize = 2;
/// The pause of each after a write: the order of things is tried, not how fast they are.
const PAUSE: Duration = Duration::from_millis(10);

/// Two clients that write one record after another, always by the next node: `w0`, `w1` and so on, each with its number as value.
#[derive(Debug)]
pub struct Writers {
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    acknowledged: Mutex<Vec<usize>>,
}

impl Shared {
    fn acknowledged(&self) -> MutexGuard<'_, Vec<usize>> {
        self.acknowledged
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    async fn write(&self, nodes: &[SocketAddr], first: usize) {
        for number in (first..).step_by(WRITERS) {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let put = format!("sim-put:ns=test;key=w{number};value={number}");
            let reply = match nodes.get(number % nodes.len().max(1)) {
                Some(node) => info(node, &put).await,
                None => return,
            };
            if reply.is_ok_and(|reply| reply == "ok") {
                self.acknowledged().push(number);
            }
            sleep(PAUSE).await;
        }
    }
}

impl Writers {
    /// Begins to write by these nodes; of those that are gone nothing is acknowledged.
    #[must_use]
    pub fn start(nodes: &[SocketAddr]) -> Self {
        let shared = Arc::<Shared>::default();
        let mut tasks = JoinSet::new();
        for first in 0..WRITERS {
            let (nodes, shared) = (nodes.to_vec(), Arc::clone(&shared));
            tasks.spawn(async move { shared.write(&nodes, first).await });
        }
        Self { shared, tasks }
    }

    /// Waits until so many writes more were acknowledged.
    ///
    /// # Errors
    /// How many there were, when they did not come.
    pub async fn go_on(&self, more: usize) -> Result<(), String> {
        let count = || self.shared.acknowledged().len();
        let enough = count() + more;
        let what = format!("{enough} acknowledged writes");
        let counted = wait_for(&what, PATIENCE, async || count(), |seen| *seen >= enough);
        counted.await.map(drop)
    }

    /// Ends, and returns the numbers of the writes that were acknowledged, in order.
    pub async fn end(self) -> Vec<usize> {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.tasks.join_all().await;
        let mut acknowledged = std::mem::take(&mut *self.shared.acknowledged());
        acknowledged.sort_unstable();
        acknowledged
    }

    /// How many of these writes are not there, as this node says.
    ///
    /// # Errors
    /// No answer.
    pub async fn missing(node: SocketAddr, writes: &[usize]) -> Result<usize, ClientError> {
        let mut missing = 0;
        for run in writes.chunk_by(|one, next| one + 1 == *next) {
            let (Some(from), Some(to)) = (run.first(), run.last()) else {
                continue;
            };
            let check = format!("sim-check-many:ns=test;prefix=w;from={from};to={to}");
            let said = info(node, &check).await?;
            let count = said
                .split_once("missing=")
                .map(|(_, count)| count.parse::<usize>());
            match count {
                Some(Ok(count)) => missing += count,
                _ => return Err(ClientError::Unfitting(said)),
            }
        }
        Ok(missing)
    }
}
