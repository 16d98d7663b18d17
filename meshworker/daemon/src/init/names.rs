//! The names that the supervisor asks for, and the task that keeps asking.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use super::course::Event;
use crate::announce::Phase;
use crate::config::Dns;
use crate::witness::{DnsOptions, InvalidName, Place};

/// Between two questions. Swarm's resolver answers for its own names within a
/// millisecond.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a name may take that may not exist any more: the engine forwards
/// it, and takes 1 to 2 s for that.
const PATIENCE: Duration = Duration::from_secs(4);

/// Where the workers are, as far as DNS has told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Workers {
    /// Their addresses. The last known ones stay while DNS has no better.
    pub(super) addresses: Vec<SocketAddr>,
    /// Why there are none.
    pub(super) why: String,
    /// Whether DNS was asked at all.
    pub(super) asked: bool,
}

/// The names of one supervisor.
pub(super) struct Names {
    workers: Vec<Place>,
    own: Place,
    port: u16,
}

impl Names {
    /// The workers' names and the members' own one.
    ///
    /// # Errors
    ///
    /// One of them is no DNS name.
    pub(super) fn new(workers: &[String], port: u16, dns: &Dns) -> Result<Names, InvalidName> {
        let options = DnsOptions {
            deadline: dns.deadline.max(PATIENCE),
            ..DnsOptions::of(dns)
        };
        let workers = workers.iter().map(|name| Place::new(name, options.clone()));
        Ok(Names {
            workers: workers.collect::<Result<_, _>>()?,
            own: Place::new(&dns.name, options.clone())?,
            port,
        })
    }

    /// Asks for the workers again and again, and for the members too while this
    /// one is leaving, until nobody listens any more.
    pub(super) async fn run(
        &self,
        found: &watch::Sender<Workers>,
        mut phase: watch::Receiver<(Phase, u64)>,
        events: mpsc::Sender<Event>,
    ) {
        let names = self;
        loop {
            let leaving = phase.borrow_and_update().0 == Phase::Leaving;
            let looks = join_all(names.workers.iter().map(Place::look));
            let (workers, own) = if leaving {
                let (workers, own) = tokio::join!(looks, names.own.look());
                (workers, Some(own))
            } else {
                (looks.await, None)
            };
            let gone = workers.iter().all(|worker| worker.gone);
            let mut addresses: Vec<SocketAddr> = workers
                .iter()
                .flat_map(|worker| &worker.addresses)
                .map(|address| SocketAddr::new(*address, names.port))
                .collect();
            addresses.sort();
            addresses.dedup();
            let why = workers.first().map(|worker| worker.why.clone());
            found.send_if_modified(|known| {
                let before = known.clone();
                known.asked = true;
                if addresses.is_empty() {
                    known.why = why.unwrap_or_default();
                } else {
                    known.addresses = addresses;
                }
                *known != before
            });
            if let Some(own) = own {
                let gone = gone && own.gone;
                if events.send(Event::Names { gone }).await.is_err() {
                    return;
                }
            }
            tokio::select! {
                () = sleep(PAUSE) => {}
                changed = phase.changed() => if changed.is_err() { return; },
            }
        }
    }
}
