//! The supervisor's own look at the whole cluster, when no worker answers.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use meshworker_core::{Grade, MemberId, Presence, Report, Sighting, Witness};
use meshworker_engines::Engine;
use meshworker_engines::registry::Visitor;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::course::Event;
use super::identity::Identity;
use crate::config::Cluster;
use crate::witness::{self, Source};
use crate::worker::Worker;

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// Looks each second, decides by the same gates as a worker, and does nothing,
/// until nobody listens any more. May be cancelled.
pub(super) fn look(
    cluster: Cluster,
    identity: &Identity,
    address: IpAddr,
    events: mpsc::Sender<Event>,
) -> BoxFuture<'static, ()> {
    struct Visit(Cluster, OwnWord, mpsc::Sender<Event>);
    impl Visitor for Visit {
        type Output = BoxFuture<'static, ()>;

        fn visit<E: Engine>(self, engine: E) -> Self::Output {
            let Visit(cluster, word, events) = self;
            let address = word.address;
            let mut sources = witness::sources(&cluster);
            sources.push(Arc::new(word));
            let worker = Worker::new(cluster, engine, sources);
            looking(worker, address, events).boxed()
        }
    }
    let word = OwnWord {
        identity: identity.clone(),
        address,
    };
    let (engine, access) = (cluster.engine, cluster.access.clone());
    engine.with(access, Visit(cluster, word, events))
}

async fn looking<E: Engine>(mut worker: Worker<E>, address: IpAddr, events: mpsc::Sender<Event>) {
    loop {
        let pass = worker.look().await;
        let mut leavers = pass.plan.leavers.iter();
        let own = leavers.find(|leaver| leaver.address == address);
        let (granted, why) = match own {
            Some(own) => (
                own.release.is_granted(),
                format!("{}; {}", own.release, own.going),
            ),
            None => {
                let own = pass.observed.answers.get(&address);
                let why = match own {
                    Some(Err(why)) => why.to_string(),
                    _ => pass.plan.unity.to_string(),
                };
                (false, why)
            }
        };
        if events.send(Event::Alone { granted, why }).await.is_err() {
            return;
        }
        sleep(PAUSE).await;
    }
}

/// What this member says of itself: that it is leaving.
struct OwnWord {
    identity: Identity,
    address: IpAddr,
}

impl Source for OwnWord {
    fn witness(&self) -> Witness {
        Witness::Announce
    }

    fn report(&self) -> BoxFuture<'_, Report> {
        let member: MemberId = self.identity.member();
        let sighting = Sighting {
            member: Some(member),
            node: Some(self.identity.node.clone()),
            task: Some(self.identity.task.clone()),
            presence: Presence::Leaving,
            ..Sighting::at(self.address)
        };
        let report = Report {
            witness: Witness::Announce,
            grade: Grade::Answer,
            sightings: vec![sighting],
            desired: None,
        };
        std::future::ready(report).boxed()
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        std::future::pending().boxed()
    }
}
