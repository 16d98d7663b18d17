//! Requests under way, beside the loop that looks: a slow one keeps nobody from seeing
//! what becomes of the others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use meshworker_core::{Place, Request, Step};
use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, timeout_at};

use crate::act::{AT_ONCE, by_node, in_order};
use crate::{Done, Engine, Mandate};

type Ended<E> = (Place, Vec<Done<<E as meshworker_core::Planner>::Request>>);

/// Requests under way: those to one node in their order, nodes side by side. Dropped, all
/// of them end, as with the process.
#[derive(Debug)]
pub struct Acts<E: Engine> {
    engine: Arc<E>,
    under_way: JoinSet<Ended<E>>,
    /// Whom each of them touches, by the node that is asked.
    touched: BTreeMap<Place, BTreeSet<Place>>,
    busy: BTreeSet<Place>,
    done: Vec<Done<E::Request>>,
    places: Arc<Semaphore>,
}

impl<E: Engine> Acts<E> {
    /// None yet.
    pub fn new(engine: Arc<E>) -> Acts<E> {
        Acts {
            engine,
            under_way: JoinSet::new(),
            touched: BTreeMap::new(),
            busy: BTreeSet::new(),
            done: Vec::new(),
            places: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// The nodes that are not done with what was asked of them, and those that it brings
    /// something to.
    pub fn busy(&self) -> &BTreeSet<Place> {
        &self.busy
    }

    /// Begins to make these requests, each only if this worker may act under its fence
    /// at that very moment.
    pub fn begin(&mut self, steps: &[Step<E::Request>], mandate: &Arc<dyn Mandate>) {
        let by_node: BTreeMap<Place, Vec<Step<E::Request>>> = by_node(steps);
        for (node, steps) in by_node {
            let others = steps.iter().filter_map(|step| step.request.introduces());
            self.touched.insert(node, others.chain([node]).collect());
            let (engine, mandate) = (Arc::clone(&self.engine), Arc::clone(mandate));
            let places = Arc::clone(&self.places);
            self.under_way.spawn(async move {
                let _place = places.acquire_owned().await;
                (node, in_order(engine, steps, &*mandate).await)
            });
        }
        self.note_busy();
    }

    /// Waits for those that are under way, no longer than this, and takes what was done
    /// since this was asked for last.
    pub async fn done_within(&mut self, time: Duration) -> Vec<Done<E::Request>> {
        let until = Instant::now() + time;
        while let Ok(Some(ended)) = timeout_at(until, self.under_way.join_next()).await {
            self.note(ended);
        }
        std::mem::take(&mut self.done)
    }

    /// Resolves when a node is done with what was asked of it. May be cancelled.
    pub async fn news(&mut self) {
        match self.under_way.join_next().await {
            Some(ended) => self.note(ended),
            None => std::future::pending().await,
        }
    }

    fn note_busy(&mut self) {
        self.busy = self.touched.values().flatten().copied().collect();
    }

    fn note(&mut self, ended: Result<Ended<E>, JoinError>) {
        match ended {
            Ok((node, done)) => {
                self.touched.remove(&node);
                self.note_busy();
                self.done.extend(done);
            }
            // It broke, and so does whoever asked for it, as if he had made it himself.
            Err(broke) => {
                if let Ok(panic) = broke.try_into_panic() {
                    std::panic::resume_unwind(panic);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use meshworker_core::Authority;

    use super::*;
    use crate::act::tests::{Anything, Endless};
    use crate::{Alone, Failure};

    /// Slots on their way to it did not show yet, and it was let go.
    #[tokio::test(start_paused = true)]
    async fn whoever_something_was_brought_to_counted_as_at_rest() {
        let [from, to, other] = [1, 2, 3].map(|last| Place::from([10, 0, 0, last]));
        let step = |at, anything| Step {
            fence: Authority::alone().fence(),
            ..Step::new(at, anything, Vec::new())
        };
        let mut acts = Acts::new(Arc::new(Endless));
        let mandate: Arc<dyn Mandate> = Arc::new(Alone);
        let steps = [step(from, Anything(Some(to))), step(other, Anything(None))];
        acts.begin(&steps, &mandate);
        assert_eq!(*acts.busy(), [from, to, other].into());
        assert_eq!(acts.done_within(Duration::from_secs(10)).await, []);
        assert_eq!(*acts.busy(), [from, to, other].into());
        // Each has a bound of its own.
        let done = acts.done_within(Duration::from_secs(3600)).await;
        assert_eq!(done.len(), 2);
        let gave_up = |one: &Done<Anything>| matches!(one.reply, Err(Failure::Unanswered(_)));
        assert!(done.iter().all(gave_up));
        assert_eq!(*acts.busy(), BTreeSet::new());
    }
}
