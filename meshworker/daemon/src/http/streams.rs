//! What is open for longer than an answer takes: how many, and of whom.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// What is open for longer than an answer takes. Where all places are taken, whoever has
/// fewer by two takes the oldest of whoever has most: he asks again.
#[derive(Debug)]
pub struct Streams {
    most: usize,
    of_one: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    came: u64,
    /// In the order of coming.
    open: BTreeMap<u64, (IpAddr, Arc<Notify>)>,
}

/// One stream, until it is dropped.
#[derive(Debug)]
pub struct StreamPlace {
    streams: Arc<Streams>,
    number: u64,
    gives_way: Arc<Notify>,
}

impl Streams {
    /// So many places, and so many of them for one client.
    pub fn of(most: usize, of_one: usize) -> Arc<Streams> {
        Arc::new(Streams {
            most,
            of_one,
            inner: Mutex::default(),
        })
    }

    /// A place for a stream of this client, if there is one.
    pub fn enter(self: &Arc<Streams>, peer: IpAddr) -> Option<StreamPlace> {
        let mut inner = self.lock();
        let own = inner.of(peer);
        if own >= self.of_one {
            return None;
        } else if inner.open.len() >= self.most {
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
        Some(StreamPlace {
            streams: Arc::clone(self),
            number,
            gives_way,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Each change is whole in itself: nothing can be half done.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn of(&self, peer: IpAddr) -> usize {
        let own = self.open.values().filter(|(of, _)| *of == peer);
        own.count()
    }
}

impl StreamPlace {
    /// What resolves when somebody else needs the place more.
    pub fn gives_way(&self) -> Arc<Notify> {
        Arc::clone(&self.gives_way)
    }
}

impl Drop for StreamPlace {
    fn drop(&mut self) {
        self.streams.lock().open.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 256;
    const OF_ONE: usize = 32;

    #[test]
    fn one_client_took_every_stream() {
        let streams = Streams::of(MOST, OF_ONE);
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
        let streams = Streams::of(MOST, OF_ONE);
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
