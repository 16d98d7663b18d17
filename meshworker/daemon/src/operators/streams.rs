//! How many streams there are, and of whom.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// So many streams of events at a time. Where they are all taken, whoever has fewer by
/// two takes the oldest of whoever has most: a dashboard asks again.
pub(crate) const MOST: usize = 256;

/// So many of one client: the dashboards of a team behind one gateway.
const OF_ONE: usize = 32;

/// The streams of one server.
#[derive(Debug, Default)]
pub(super) struct Streams(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    came: u64,
    /// In the order of coming.
    open: BTreeMap<u64, (IpAddr, Arc<Notify>)>,
}

/// One stream, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    streams: Arc<Streams>,
    number: u64,
    gives_way: Arc<Notify>,
}

impl Streams {
    /// A place for a stream of this client, if there is one.
    pub(super) fn enter(self: &Arc<Streams>, peer: IpAddr) -> Option<Place> {
        let mut inner = self.lock();
        let own = inner.of(peer);
        if own >= OF_ONE {
            return None;
        } else if inner.open.len() >= MOST {
            let numbers = inner.open.iter();
            let all = numbers.map(|(number, (peer, _))| (inner.of(*peer), Reverse(*number)));
            let (_, Reverse(oldest)) = all.max().filter(|(most, _)| *most > own + 1)?;
            let (_, gives_way) = inner.open.remove(&oldest)?;
            gives_way.notify_one();
        }
        let number = inner.came;
        inner.came += 1;
        let gives_way = Arc::new(Notify::new());
        inner.open.insert(number, (peer, Arc::clone(&gives_way)));
        Some(Place {
            streams: Arc::clone(self),
            number,
            gives_way,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Each change is whole in itself: nothing can be half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn of(&self, peer: IpAddr) -> usize {
        let own = self.open.values().filter(|(of, _)| *of == peer);
        own.count()
    }
}

impl Place {
    /// What resolves when somebody else needs the place more.
    pub(super) fn gives_way(&self) -> Arc<Notify> {
        Arc::clone(&self.gives_way)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.streams.lock().open.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_took_every_stream() {
        let streams = Arc::<Streams>::default();
        let from = |last: u8| IpAddr::from([10, 0, 0, last]);
        let greedy: Vec<_> = (0..300).map_while(|_| streams.enter(from(1))).collect();
        assert_eq!(greedy.len(), OF_ONE);
        let others: Vec<_> = (2..200)
            .filter_map(|last| streams.enter(from(last)))
            .collect();
        assert_eq!(others.len(), 198);
        drop(greedy);
        assert!(streams.enter(from(1)).is_some());
        let all: Vec<_> = (0..255)
            .filter_map(|last| streams.enter(from(last)))
            .collect();
        assert!(all.len() >= MOST - others.len());
        assert_eq!(streams.lock().open.len(), MOST);
    }

    /// Eight clients with as many as each may have left none to anybody else.
    #[test]
    fn eight_clients_took_every_stream() {
        let streams = Arc::<Streams>::default();
        let from = |last: u8| IpAddr::from([10, 0, 0, last]);
        let greedy: Vec<_> = (0..MOST)
            .filter_map(|number| streams.enter(from((number % 8) as u8)))
            .collect();
        assert_eq!(greedy.len(), MOST);
        let honest: Vec<_> = (100..120)
            .map(|last| streams.enter(from(last)).unwrap())
            .collect();
        assert_eq!(streams.lock().open.len(), MOST);
        // The greedy have no more than each other, and get none.
        let again: Vec<_> = (0..80)
            .filter_map(|number| streams.enter(from(number % 8)))
            .collect();
        let inner = streams.lock();
        assert!(
            honest
                .iter()
                .all(|place| inner.open.contains_key(&place.number))
        );
        drop((inner, again));
    }
}
