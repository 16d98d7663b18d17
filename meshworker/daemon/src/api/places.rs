//! Who has a place, and who gives way.
//!
//! One client has a share of the places, however many connections it opens, and
//! whoever has not said what it wants yet gives way to whoever comes. A share is
//! kept for those who have proved themselves. Answers that are not taken have a
//! budget of bytes: whoever reads slowest gives way as well.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

/// So many connections at a time of clients that have proved nothing.
const STRANGERS: usize = 192;

/// So many more of those that have proved that they know a token.
const PROVED: usize = 64;

/// So many of one client.
const OF_ONE: usize = 16;

/// So many connections wait for a place, and of one client.
const WAITING: usize = 1024;
const WAITING_OF_ONE: usize = 512;

/// So long a connection waits for a place.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request takes a millisecond or a few to come: whoever has not sent it after
/// this gives way when places are short.
const ASKED: Duration = Duration::from_millis(250);

/// Whoever has not taken its answer after this gives way when places or bytes are
/// short.
const TAKEN: Duration = Duration::from_millis(1000);

/// So many bytes of answers are under way, and of one client.
const BYTES: usize = 8 << 20;
const BYTES_OF_ONE: usize = 2 << 20;

/// An answer of so many bytes is the kernel's at once.
const SMALL: usize = 32 * 1024;

/// So many answers wait for their share of the bytes, for so long.
const UNWEIGHED: usize = 4;
const WEIGHED: Duration = Duration::from_secs(2);

/// Between two looks for somebody who gives way, when nothing was given back.
const LOOK: Duration = Duration::from_millis(50);

/// All places of one server.
#[derive(Debug, Default)]
pub(super) struct Places {
    inner: Mutex<Inner>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    came: u64,
    seats: BTreeMap<u64, Seat>,
    /// How many wait for a place, by their client.
    waiting: BTreeMap<IpAddr, usize>,
    unweighed: usize,
}

#[derive(Debug)]
struct Seat {
    peer: IpAddr,
    since: Instant,
    proved: bool,
    /// The answer's bytes, once there is an answer.
    answer: Option<usize>,
    gives_way: Arc<Notify>,
}

/// One connection's place, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    number: u64,
    gives_way: Arc<Notify>,
}

impl Places {
    /// A place for a connection of this client; none when it waited for too long,
    /// or too many wait. May be cancelled.
    pub(super) async fn enter(self: &Arc<Places>, peer: IpAddr) -> Option<Place> {
        if let Some(place) = self.try_enter(peer) {
            return Some(place);
        }
        let _waits = Waits::of(self, peer)?;
        let entered = self.until(|| self.try_enter(peer));
        timeout(PATIENCE, entered).await.ok()
    }

    fn try_enter(self: &Arc<Places>, peer: IpAddr) -> Option<Place> {
        let mut inner = self.lock();
        let own = |seat: &Seat| seat.peer == peer;
        let stranger = |seat: &Seat| !seat.proved;
        if inner.count(own) >= OF_ONE {
            // Its own idle ones end a second after they came.
            return None;
        } else if inner.count(stranger) >= STRANGERS {
            inner.make_way(stranger)?;
        }
        let number = inner.came;
        inner.came += 1;
        let gives_way = Arc::new(Notify::new());
        let seat = Seat {
            peer,
            since: Instant::now(),
            proved: false,
            answer: None,
            gives_way: Arc::clone(&gives_way),
        };
        inner.seats.insert(number, seat);
        Some(Place {
            places: Arc::clone(self),
            number,
            gives_way,
        })
    }

    /// Tries again whenever something was given back, and now and then. May be
    /// cancelled.
    async fn until<T>(&self, mut attempt: impl FnMut() -> Option<T>) -> T {
        loop {
            if let Some(done) = attempt() {
                return done;
            }
            tokio::select! {
                () = self.freed.notified() => {}
                () = sleep(LOOK) => {}
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Each change is whole in itself: nothing can be half done.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn count(&self, which: impl Fn(&Seat) -> bool) -> usize {
        self.seats.values().filter(|seat| which(seat)).count()
    }

    fn bytes(&self, which: impl Fn(&Seat) -> bool) -> usize {
        let seats = self.seats.values().filter(|seat| which(seat));
        seats.filter_map(|seat| seat.answer).sum()
    }

    /// Takes the place of the oldest of these that may be asked to give way.
    fn make_way(&mut self, which: impl Fn(&Seat) -> bool) -> Option<()> {
        let now = Instant::now();
        let gives_way = |seat: &Seat| {
            let patience = seat.answer.map_or(ASKED, |_| TAKEN);
            which(seat) && now.duration_since(seat.since) >= patience
        };
        // The numbers are given in the order of coming.
        let oldest = self.seats.iter().find(|(_, seat)| gives_way(seat));
        let number = *oldest?.0;
        let seat = self.seats.remove(&number)?;
        seat.gives_way.notify_one();
        Some(())
    }
}

impl Place {
    /// Notes that the client has proved that it knows a token: it has a share of
    /// its own, as long as that lasts.
    pub(super) fn prove(&self) {
        let mut inner = self.places.lock();
        if inner.count(|seat| seat.proved) >= PROVED {
            return;
        }
        if let Some(seat) = inner.seats.get_mut(&self.number) {
            seat.proved = true;
            drop(inner);
            self.places.freed.notify_one();
        }
    }

    /// Waits until an answer of so many bytes may be sent. Whether it may.
    pub(super) async fn weigh(&self, bytes: usize) -> bool {
        let bytes = if bytes <= SMALL { 0 } else { bytes };
        if let Some(weighed) = self.try_weigh(bytes) {
            return weighed;
        }
        let Some(_waits) = Unweighed::of(&self.places) else {
            return false;
        };
        let weighed = self.places.until(|| self.try_weigh(bytes));
        timeout(WEIGHED, weighed).await.unwrap_or(false)
    }

    /// None for not yet.
    fn try_weigh(&self, bytes: usize) -> Option<bool> {
        let mut inner = self.places.lock();
        let Some(peer) = inner.seats.get(&self.number).map(|seat| seat.peer) else {
            // Others have its place already.
            return Some(false);
        };
        let own = |seat: &Seat| seat.peer == peer && seat.answer.is_some_and(|bytes| bytes > 0);
        let any = |seat: &Seat| seat.answer.is_some_and(|bytes| bytes > 0);
        if bytes > 0 {
            // One answer that is longer than all the budget is sent alone.
            let (taken, taken_own) = (inner.bytes(any), inner.bytes(own));
            if taken_own > 0 && taken_own + bytes > BYTES_OF_ONE {
                inner.make_way(own);
                return None;
            }
            if taken > 0 && taken + bytes > BYTES {
                inner.make_way(any);
                return None;
            }
        }
        let seat = inner.seats.get_mut(&self.number)?;
        seat.answer = Some(bytes);
        seat.since = Instant::now();
        Some(true)
    }

    /// What resolves when somebody else needs the place more.
    pub(super) fn gives_way(&self) -> Arc<Notify> {
        Arc::clone(&self.gives_way)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.lock().seats.remove(&self.number);
        self.places.freed.notify_one();
    }
}

/// One that waits for a place.
struct Waits<'a>(&'a Places, IpAddr);

impl Waits<'_> {
    fn of(places: &Places, peer: IpAddr) -> Option<Waits<'_>> {
        let mut inner = places.lock();
        let (all, own) = (
            inner.waiting.values().sum::<usize>(),
            inner.waiting.get(&peer),
        );
        if all >= WAITING || own.is_some_and(|own| *own >= WAITING_OF_ONE) {
            return None;
        }
        *inner.waiting.entry(peer).or_default() += 1;
        Some(Waits(places, peer))
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        let mut inner = self.0.lock();
        if let Some(own) = inner.waiting.get_mut(&self.1) {
            *own -= 1;
            if *own == 0 {
                inner.waiting.remove(&self.1);
            }
        }
    }
}

/// One whose answer waits for its share of the bytes.
struct Unweighed<'a>(&'a Places);

impl Unweighed<'_> {
    fn of(places: &Places) -> Option<Unweighed<'_>> {
        let mut inner = places.lock();
        if inner.unweighed >= UNWEIGHED {
            return None;
        }
        inner.unweighed += 1;
        Some(Unweighed(places))
    }
}

impl Drop for Unweighed<'_> {
    fn drop(&mut self) {
        self.0.lock().unweighed -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(last: u8) -> IpAddr {
        [10, 0, 0, last].into()
    }

    async fn enter(places: &Arc<Places>, last: u8) -> Option<Place> {
        places.enter(from(last)).await
    }

    #[tokio::test(start_paused = true)]
    async fn idle_connections_of_one_client_took_every_place() {
        let places = Arc::<Places>::default();
        let mut idle = Vec::new();
        for _ in 0..300 {
            idle.extend(places.try_enter(from(1)));
        }
        assert_eq!(idle.len(), OF_ONE);
        let began = Instant::now();
        let honest = enter(&places, 2).await;
        assert!(honest.is_some());
        assert_eq!(began.elapsed(), Duration::ZERO);
        // Another one of the same client waits until one of them has ended.
        assert!(enter(&places, 1).await.is_none());
        idle.pop();
        assert!(enter(&places, 1).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn of_many_clients_the_oldest_that_has_not_asked_gives_way() {
        let places = Arc::<Places>::default();
        let mut idle = Vec::new();
        for last in 10..100 {
            for _ in 0..OF_ONE {
                idle.extend(places.try_enter(from(last)));
            }
        }
        assert_eq!(idle.len(), STRANGERS);
        let first = idle.swap_remove(0);
        assert!(first.weigh(0).await);
        let began = Instant::now();
        let honest = enter(&places, 2).await;
        assert!(honest.is_some());
        assert!(began.elapsed() <= ASKED + LOOK);
        // Not the one that has asked.
        assert!(places.lock().seats.contains_key(&first.number));
        assert_eq!(places.lock().seats.len(), STRANGERS);
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_proved_itself_leaves_its_place_to_strangers() {
        let places = Arc::<Places>::default();
        let mut proved = Vec::new();
        for last in 0..100 {
            let place = places.try_enter(from(last)).unwrap();
            place.prove();
            proved.push(place);
        }
        assert_eq!(places.lock().count(|seat| seat.proved), PROVED);
        assert_eq!(places.lock().count(|seat| !seat.proved), 36);
    }

    #[tokio::test(start_paused = true)]
    async fn answers_that_nobody_takes_have_a_budget() {
        let places = Arc::<Places>::default();
        let (mut held, mut refused) = (Vec::new(), 0);
        for number in 0..160_u8 {
            let place = enter(&places, number / 8).await.unwrap();
            if place.weigh(600_000).await {
                held.push(place);
            } else {
                refused += 1;
            }
            assert!(places.lock().bytes(|_| true) <= BYTES);
        }
        assert_eq!(refused, 0, "the slowest readers give way");
        // One that is too long for any budget goes when it is alone.
        held.clear();
        let place = enter(&places, 1).await.unwrap();
        assert!(place.weigh(3 * BYTES).await);
    }
}
