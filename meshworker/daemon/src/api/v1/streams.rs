//! How many streams there are, and of whom.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// So many streams of events at a time.
const MOST: usize = 256;

/// So many of one client: the dashboards of a team behind one gateway.
const OF_ONE: usize = 32;

/// The streams of one server.
#[derive(Debug, Default)]
pub(super) struct Streams(Mutex<BTreeMap<IpAddr, usize>>);

/// One stream, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    streams: Arc<Streams>,
    peer: IpAddr,
}

impl Streams {
    /// A place for a stream of this client, if there is one.
    pub(super) fn enter(self: &Arc<Streams>, peer: IpAddr) -> Option<Place> {
        let mut streams = self.lock();
        let all: usize = streams.values().sum();
        let own = streams.get(&peer).copied().unwrap_or_default();
        if all >= MOST || own >= OF_ONE {
            return None;
        }
        streams.insert(peer, own + 1);
        Some(Place {
            streams: Arc::clone(self),
            peer,
        })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<IpAddr, usize>> {
        // One number changes at a time: nothing can be half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut streams = self.streams.lock();
        if let Some(own) = streams.get_mut(&self.peer) {
            *own -= 1;
            if *own == 0 {
                streams.remove(&self.peer);
            }
        }
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
        assert_eq!(all.len() + others.len(), MOST);
    }
}
