//! Who waits for a place, and whose turn it is.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::{Inner, OF_ONE, Place, Places, STRANGERS, Seat};

/// So many connections wait for a place, and of one client. Where all wait, one more
/// that comes takes the turn of the newest of whoever has most.
pub(in crate::http) const WAITING: usize = 1024;
const WAITING_OF_ONE: usize = 512;

/// One that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    number: u64,
    seated: oneshot::Sender<Seated>,
}

/// What it waits for.
#[derive(Debug)]
struct Seated {
    number: u64,
    gives_way: Arc<Notify>,
}

/// One connection's turn, until it is dropped.
pub(super) struct Turn<'a> {
    places: &'a Arc<Places>,
    peer: IpAddr,
    number: u64,
    seated: oneshot::Receiver<Seated>,
}

impl Turn<'_> {
    /// The last turn of all; none when too many wait.
    pub(super) fn last(places: &Arc<Places>, peer: IpAddr) -> Option<Turn<'_>> {
        let mut inner = places.lock();
        let waiting = |(peer, queue): (&IpAddr, &Vec<Waiting>)| (queue.len(), *peer);
        let own = inner.waiting.get(&peer).map_or(0, Vec::len);
        if own >= WAITING_OF_ONE {
            return None;
        } else if inner.waiting.values().map(Vec::len).sum::<usize>() >= WAITING {
            let (most, greediest) = inner.waiting.iter().map(waiting).max()?;
            if most <= own + 1 {
                return None;
            }
            // Without its other end it waits no more.
            inner.waiting.get_mut(&greediest)?.pop();
        }
        let number = inner.next();
        let (sender, seated) = oneshot::channel();
        inner.waiting.entry(peer).or_default().push(Waiting {
            number,
            seated: sender,
        });
        inner.admit();
        Some(Turn {
            places,
            peer,
            number,
            seated,
        })
    }

    /// The place, once it is its turn; none when another one took that. May be
    /// cancelled.
    pub(super) async fn comes(&mut self) -> Option<Place> {
        let Seated { number, gives_way } = (&mut self.seated).await.ok()?;
        Some(Place {
            places: Arc::clone(self.places),
            number,
            gives_way,
        })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut inner = self.places.lock();
        self.seated.close();
        // What came at the last moment goes to the next.
        if let Ok(Seated { number, .. }) = self.seated.try_recv() {
            inner.seats.remove(&number);
            inner.admit();
        }
        if let Some(queue) = inner.waiting.get_mut(&self.peer) {
            queue.retain(|waiting| waiting.number != self.number);
            if queue.is_empty() {
                inner.waiting.remove(&self.peer);
            }
        }
    }
}

impl Inner {
    /// Gives places to those that wait, for as long as there are some.
    pub(super) fn admit(&mut self) {
        while let Some(peer) = self.whose_turn() {
            let Some(queue) = self
                .waiting
                .get_mut(&peer)
                .filter(|queue| !queue.is_empty())
            else {
                return;
            };
            let Waiting { seated, .. } = queue.remove(0);
            let number = self.next();
            let gives_way = Arc::new(Notify::new());
            let seat = Seat {
                peer,
                since: Instant::now(),
                proved: false,
                answer: None,
                gives_way: Arc::clone(&gives_way),
            };
            self.seats.insert(number, seat);
            if seated.send(Seated { number, gives_way }).is_err() {
                self.seats.remove(&number);
            }
        }
    }

    /// The client that gets the next place, if there is one or one gives way: of those
    /// that wait whoever has fewest places, and then whoever waits for longest.
    fn whose_turn(&mut self) -> Option<IpAddr> {
        if self.waiting.is_empty() {
            return None;
        }
        let mut has: BTreeMap<IpAddr, usize> = BTreeMap::new();
        for seat in self.seats.values() {
            *has.entry(seat.peer).or_default() += 1;
        }
        let turns = self.waiting.iter().filter_map(|(peer, queue)| {
            let own = has.get(peer).copied().unwrap_or_default();
            // Its own idle ones end a second after they came.
            (own < OF_ONE).then_some((own, queue.first()?.number, *peer))
        });
        let (own, _, peer) = turns.min()?;
        if self.count(|seat| !seat.proved) >= STRANGERS {
            let number = self.of_the_greediest(own)?;
            self.end(number);
        }
        Some(peer)
    }
}
