//! One cluster's way to ask whether this worker may act.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use meshworker_core::{Authority, Fence, Told};
use meshworker_engines::{INTENT, Intended, Mandate};
use meshworker_group::{Intent, Outcome};

use super::Group;
use super::event::Event;

/// What an act rests on and what came of it, for people: no longer in the log, in bytes.
type Words = Told<400>;

/// One cluster's way to ask whether this worker may act.
#[derive(Debug)]
pub(super) struct Seat {
    group: Group,
    cluster: String,
}

impl Seat {
    pub(super) fn new(group: Group, cluster: &str) -> Seat {
        Seat {
            group,
            cluster: cluster.to_owned(),
        }
    }
}

impl Mandate for Seat {
    fn authority(&self) -> Authority {
        self.group.shared.authority()
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        self.group.shared.changed().boxed()
    }

    fn intend(&self, intended: Intended) -> BoxFuture<'_, Result<Fence, String>> {
        let intent = Intent {
            cluster: self.cluster.clone(),
            change: intended.change,
            target: intended.target,
            what: Words::from(intended.why).into_string(),
            for_ms: u64::try_from(INTENT.as_millis()).unwrap_or(u64::MAX),
        };
        let asked = self.group.ask(|reply| Event::Intend(intent, reply));
        asked.boxed()
    }

    fn heard(&self, fence: Fence) {
        if self.authority().fence().is_some_and(|own| own < fence) {
            self.group.raise(fence);
        }
    }

    fn done(&self, fence: Fence, outcome: Result<String, String>) {
        let outcome = match outcome {
            Ok(reply) => Outcome::Done(Words::from(reply).into_string()),
            Err(why) => Outcome::Failed(Words::from(why).into_string()),
        };
        // What is lost is closed by time.
        let _ = self.group.events.try_send(Event::Done(fence, outcome));
    }
}
