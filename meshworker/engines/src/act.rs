//! Act: make the planned requests.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::stream;
use futures_util::{FutureExt, StreamExt};
use meshworker_core::{Change, Fence, Place, Request, Step, StepKind};
use tokio::time::{Instant, timeout};

use crate::{Engine, Failure, Intended, Mandate};

/// How many nodes are told something at once: enough to be quick with a
/// hundred members, few enough for their ports and our memory.
pub(crate) const AT_ONCE: usize = 64;

/// Far longer than any request takes: each engine has deadlines of its own. To give one
/// up is what the end of the process would be, and does no harm.
const LONGEST: Duration = Duration::from_secs(300);

/// What was announced to all workers is done within this time, or is given up: whoever acts
/// after this one waits as long before it decides anew.
pub const INTENT: Duration = Duration::from_secs(2);

/// One request whose turn came, and what the node replied.
#[derive(Debug, Clone, PartialEq)]
pub struct Done<R: Request> {
    /// What was asked, of whom, and why.
    pub step: Step<R>,
    /// What the node replied.
    pub reply: Result<String, Failure>,
}

/// Makes all requests, those to one node in their order, nodes side by side: each only if
/// this worker may act under its fence at that very moment.
pub async fn perform<E: Engine>(
    engine: &Arc<E>,
    steps: &[Step<E::Request>],
    mandate: &dyn Mandate,
) -> Vec<Done<E::Request>> {
    let nodes: Vec<_> = by_node(steps)
        .into_values()
        .map(|steps| in_order(Arc::clone(engine), steps, mandate).boxed())
        .collect();
    stream::iter(nodes).buffer_unordered(AT_ONCE).concat().await
}

/// What is asked of each node.
pub(crate) fn by_node<R: Request>(steps: &[Step<R>]) -> BTreeMap<Place, Vec<Step<R>>> {
    let mut by_node: BTreeMap<Place, Vec<Step<R>>> = BTreeMap::new();
    for step in steps {
        by_node.entry(step.to).or_default().push(step.clone());
    }
    by_node
}

/// Makes these requests one after the other.
pub(crate) async fn in_order<E: Engine>(
    engine: Arc<E>,
    steps: Vec<Step<E::Request>>,
    mandate: &dyn Mandate,
) -> Vec<Done<E::Request>> {
    let mut done = Vec::new();
    for step in steps {
        let reply = made(&*engine, &step, mandate).await;
        done.push(Done { step, reply });
    }
    done
}

/// Makes one request. What a database forgets cannot be taken back: that it is about to is
/// known to all workers first.
async fn made<E: Engine>(
    engine: &E,
    step: &Step<E::Request>,
    mandate: &dyn Mandate,
) -> Result<String, Failure> {
    let announced = step.request.is_announced();
    let fence = match announced {
        true => Some(mandate.intend(intended(step)).await),
        false => None,
    };
    let fence = fence.transpose().map_err(Failure::NotMade)?;
    let longest = match step.request.kind() {
        // Under a number in the database itself, which everybody checks.
        StepKind::Succeed => INTENT,
        _ if announced => INTENT,
        _ => LONGEST,
    };
    let reply = within(mandate, step.fence, longest, engine.perform(step)).await;
    if let Some(fence) = fence {
        mandate.done(fence, reply.clone().map_err(|why| why.to_string()));
    }
    reply
}

/// Goes on with this for as long as this worker may act under its fence, and no longer than so.
/// Both are looked at before each piece of it: whoever slept after it had connected sends nothing
/// any more.
async fn within(
    mandate: &dyn Mandate,
    fence: Option<Fence>,
    longest: Duration,
    act: impl Future<Output = Result<String, Failure>>,
) -> Result<String, Failure> {
    let ends = Instant::now() + longest;
    let mut act = pin!(timeout(longest, act));
    let mut begun = false;
    poll_fn(|context| {
        let over = match mandate.authority().admits(fence) {
            Err(why) if !begun => Some(Failure::NotMade(why)),
            Err(why) => Some(Failure::Unanswered(format!("it is given up: {why}"))),
            Ok(()) if begun && Instant::now() >= ends => {
                Some(Failure::Unanswered(endless(longest)))
            }
            Ok(()) => None,
        };
        if let Some(over) = over {
            return Poll::Ready(Err(over));
        }
        begun = true;
        let late = |_| Err(Failure::Unanswered(endless(longest)));
        act.as_mut()
            .poll(context)
            .map(|reply| reply.unwrap_or_else(late))
    })
    .await
}

/// All nodes that are to forget somebody are told the same, which is one intent.
fn intended<R: Request>(step: &Step<R>) -> Intended {
    let evidence: Vec<String> = step.evidence.iter().map(ToString::to_string).collect();
    Intended {
        change: Change::Forget,
        target: step.request.to_string(),
        why: evidence.join("; "),
    }
}

fn endless(longest: Duration) -> String {
    format!(
        "it has not ended within {} s, and is given up",
        longest.as_secs()
    )
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use futures_util::future::BoxFuture;
    use meshworker_core::{
        Answer, Authority, Capabilities, Planner, Proposal, Situation, Unanswered, Unity,
    };
    use serde::Serialize;
    use tokio::sync::Notify;

    use super::*;
    use crate::aerospike::Aerospike;
    use crate::{Access, Alone, Descriptor};

    /// A database that never ends what it is asked for.
    pub(crate) struct Endless;

    /// Something that concerns this node too, if any.
    #[derive(Debug, Clone, PartialEq, Serialize)]
    pub(crate) struct Anything(pub(crate) Option<Place>);

    impl std::fmt::Display for Anything {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("anything")
        }
    }

    impl Request for Anything {
        fn kind(&self) -> StepKind {
            StepKind::Arrange
        }

        fn introduces(&self) -> Option<Place> {
            self.0
        }
    }

    impl Planner for Endless {
        type Detail = ();
        type Request = Anything;

        fn capabilities(&self) -> Capabilities {
            Capabilities { min_members: 1 }
        }

        fn propose(&self, _: &Situation<'_, ()>) -> Proposal<Anything> {
            Proposal::nothing(Unity::One { size: 1 })
        }
    }

    impl Engine for Endless {
        const DESCRIPTOR: Descriptor = Aerospike::DESCRIPTOR;

        fn new(_: Access) -> Endless {
            Endless
        }

        async fn observe(&self, _: Place) -> Answer<()> {
            Err(Unanswered::Timeout)
        }

        async fn perform(&self, _: &Step<Anything>) -> Result<String, Failure> {
            std::future::pending().await
        }
    }

    /// A worker that may act until it may not.
    #[derive(Debug, Default)]
    struct Until(AtomicBool);

    impl Mandate for Until {
        fn authority(&self) -> Authority {
            match self.0.load(Ordering::Relaxed) {
                true => Authority::Yielded("worker 2".into()),
                false => Authority::Held(Fence(0)),
            }
        }

        fn changed(&self) -> BoxFuture<'_, ()> {
            Alone.changed()
        }

        fn intend(&self, intended: Intended) -> BoxFuture<'_, Result<Fence, String>> {
            Alone.intend(intended)
        }

        fn heard(&self, _: Fence) {}

        fn done(&self, _: Fence, _: Result<String, String>) {}
    }

    /// A worker that was stopped after it had connected sent its request once it went on, when
    /// another one had long acted: what woke it came before the end of its time.
    #[tokio::test(start_paused = true)]
    async fn a_request_left_its_worker_after_that_acted_no_more() {
        let fence = Some(Fence(0));
        let (deposed, slept) = (
            "it is given up: another worker acts: worker 2",
            endless(INTENT),
        );
        for (is_deposed, why) in [(true, deposed), (false, slept.as_str())] {
            let (mandate, connected) = (Until::default(), Notify::new());
            let sent = AtomicBool::new(false);
            let act = async {
                connected.notified().await;
                sent.store(true, Ordering::Relaxed);
                Ok("OK".to_owned())
            };
            let mut act = pin!(within(&mandate, fence, INTENT, act));
            assert_eq!(act.as_mut().now_or_never(), None);
            mandate.0.store(is_deposed, Ordering::Relaxed);
            if !is_deposed {
                tokio::time::advance(INTENT).await;
            }
            connected.notify_one();
            assert_eq!(act.await, Err(Failure::Unanswered(why.to_owned())));
            assert!(!sent.load(Ordering::Relaxed), "{why}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_never_ended_kept_the_worker_for_ever() {
        let step = Step {
            fence: Authority::alone().fence(),
            ..Step::new(Place::from([127, 0, 0, 1]), Anything(None), Vec::new())
        };
        let done = perform(&Arc::new(Endless), std::slice::from_ref(&step), &Alone).await;
        let reply = Err(Failure::Unanswered(endless(LONGEST)));
        assert_eq!(done, [Done { step, reply }]);
    }
}
