//! The names that the supervisor asks for, and the task that keeps asking.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};

use super::course::Event;
use crate::announce::Phase;
use crate::config::Dns;
use crate::witness::{DnsOptions, InvalidName, Whereabouts};

/// Between two questions. Swarm's resolver answers for its own names within a
/// millisecond.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a name may take that may not exist any more: the engine forwards
/// it, and takes 1 to 2 s for that.
const PATIENCE: Duration = Duration::from_secs(4);

/// Between two questions for the members: who is one stays one for long.
const MEMBERS: Duration = Duration::from_secs(5);

/// Whom DNS has not listed for so long is a member no more, as far as it tells.
const LATELY: Duration = Duration::from_secs(3600);

/// So many are remembered: more than any of the databases can have.
const MOST: usize = 2048;

/// Whom the members' own name has listed lately. Swarm takes the names of those that
/// it stops before it tells them, so they have to be known from before.
#[derive(Debug, Clone, Default)]
pub(super) struct Known(BTreeMap<IpAddr, Instant>);

impl Known {
    /// Whether this address may be a member's: everybody's may as long as DNS has named
    /// nobody.
    pub(super) fn may_be(&self, address: IpAddr) -> bool {
        self.0.is_empty() || self.0.contains_key(&address)
    }

    /// Notes whom it lists now.
    pub(super) fn note(&mut self, listed: &[IpAddr], now: Instant) {
        self.0.extend(listed.iter().map(|address| (*address, now)));
        let lately = |seen: &Instant| now.duration_since(*seen) < LATELY;
        self.0.retain(|_, seen| lately(seen));
        if self.0.len() > MOST {
            // Those that are listed at the same time are bounded by the answer.
            self.0.retain(|_, seen| *seen == now);
        }
    }
}

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
    workers: Vec<Whereabouts>,
    own: Whereabouts,
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
        let workers = workers
            .iter()
            .map(|name| Whereabouts::new(name, options.clone()));
        Ok(Names {
            workers: workers.collect::<Result<_, _>>()?,
            own: Whereabouts::new(&dns.names.join(","), options.clone())?,
            port,
        })
    }

    /// Asks for the workers again and again, and for the members too, until nobody
    /// listens any more.
    pub(super) async fn run(
        &self,
        found: &watch::Sender<Workers>,
        known: &watch::Sender<Known>,
        phase: watch::Receiver<(Phase, u64)>,
        events: mpsc::Sender<Event>,
    ) {
        // The members' name may take long while there is none of them.
        tokio::select! {
            () = self.ask(found, phase, events) => {}
            () = self.remember(known) => {}
        }
    }

    /// Remembers whom the members' own name lists.
    async fn remember(&self, known: &watch::Sender<Known>) {
        loop {
            let listed = self.own.look().await.addresses;
            known.send_modify(|known| known.note(&listed, Instant::now()));
            sleep(MEMBERS).await;
        }
    }

    /// Asks for the workers, and for the members while this one is leaving.
    async fn ask(
        &self,
        found: &watch::Sender<Workers>,
        mut phase: watch::Receiver<(Phase, u64)>,
        events: mpsc::Sender<Event>,
    ) {
        let names = self;
        loop {
            let leaving = phase.borrow_and_update().0 == Phase::Leaving;
            let looks = join_all(names.workers.iter().map(Whereabouts::look));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_the_name_listed_lately_may_be_a_member() {
        let at = |last: u8| IpAddr::from([10, 0, 1, last]);
        let began = Instant::now();
        let mut known = Known::default();
        assert!(known.may_be(at(1)), "nobody is known yet");
        known.note(&[at(2), at(3)], began);
        let may_be = |known: &Known| [1, 2, 3].map(|last| known.may_be(at(last)));
        assert_eq!(may_be(&known), [false, true, true]);
        // Gone from the list, as whoever is about to be stopped.
        known.note(&[at(3)], began + LATELY / 2);
        assert_eq!(may_be(&known), [false, true, true]);
        known.note(&[], began + LATELY);
        assert_eq!(may_be(&known), [false, false, true]);
        let many = (0..u16::MAX).map(|number| {
            let [third, last] = number.to_be_bytes();
            IpAddr::from([10, 1, third, last])
        });
        let many: Vec<_> = many.collect();
        for (turn, listed) in many.chunks(500).enumerate() {
            known.note(listed, began + LATELY + Duration::from_secs(turn as u64));
            assert!(known.0.len() <= MOST && known.may_be(listed[0]));
        }
    }
}
