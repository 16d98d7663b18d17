//! Who has a place, and who gives way.
//!
//! One client has a share of the places, however many connections it opens, and
//! where many clients have all of them, whoever has fewer takes one of whoever has
//! most, and has not said what it wants yet. A share is kept for those who have
//! proved themselves. Answers that are not taken have a budget of bytes: whoever
//! reads slowest gives way as well.

mod turn;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

use self::turn::{Turn, Waiting};

pub(super) use self::turn::WAITING;

/// So many connections at a time of clients that have proved nothing.
pub(super) const STRANGERS: usize = 192;

/// So many more of those that have proved that they know a token.
pub(super) const PROVED: usize = 64;

/// So many of one client.
const OF_ONE: usize = 16;

/// So long a connection waits for a place.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request takes a millisecond or a few to come: whoever has not sent it after
/// this gives way when places are short.
const ASKED: Duration = Duration::from_millis(250);

/// Whoever has not taken its answer after this gives way when places or bytes are
/// short.
const TAKEN: Duration = Duration::from_millis(1000);

/// So many bytes of answers are under way, and of one client.
pub(super) const BYTES: usize = 8 << 20;
const BYTES_OF_ONE: usize = 2 << 20;

/// An answer of so many bytes is the kernel's at once.
pub(super) const SMALL: usize = 16 * 1024;

/// So many answers wait for their share of the bytes, for so long.
pub(super) const UNWEIGHED: usize = 4;
const WEIGHED: Duration = Duration::from_secs(2);

/// Between two looks for somebody who gives way, when nothing was given back.
const LOOK: Duration = Duration::from_millis(50);

/// All places of one server.
#[derive(Debug, Default)]
pub(crate) struct Places {
    inner: Mutex<Inner>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    came: u64,
    seats: BTreeMap<u64, Seat>,
    /// Who waits for a place, by their client, in the order of coming.
    waiting: BTreeMap<IpAddr, Vec<Waiting>>,
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
pub(crate) struct Place {
    places: Arc<Places>,
    number: u64,
    gives_way: Arc<Notify>,
}

impl Places {
    /// A place for a connection of this client; none when it waited for too long,
    /// or too many wait. May be cancelled.
    pub(crate) async fn enter(self: &Arc<Places>, peer: IpAddr) -> Option<Place> {
        let mut turn = Turn::last(self, peer)?;
        timeout(PATIENCE, turn.comes()).await.ok().flatten()
    }

    /// Looks now and then whether somebody gives way by now to those that wait. Never
    /// ends.
    pub(crate) async fn tend(&self) {
        loop {
            sleep(LOOK).await;
            self.lock().admit();
        }
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
    fn next(&mut self) -> u64 {
        self.came += 1;
        self.came
    }

    fn count(&self, which: impl Fn(&Seat) -> bool) -> usize {
        self.seats.values().filter(|seat| which(seat)).count()
    }

    fn bytes(&self, which: impl Fn(&Seat) -> bool) -> usize {
        let seats = self.seats.values().filter(|seat| which(seat));
        seats.filter_map(|seat| seat.answer).sum()
    }

    /// The oldest place that a stranger may be asked for, of the client that has most
    /// of them, and more than so many.
    fn of_the_greediest(&self, own: usize) -> Option<u64> {
        let now = Instant::now();
        let mut of: BTreeMap<IpAddr, (usize, Option<u64>)> = BTreeMap::new();
        // The numbers are given in the order of coming.
        for (number, seat) in self.seats.iter().filter(|(_, seat)| !seat.proved) {
            let (count, oldest) = of.entry(seat.peer).or_default();
            *count += 1;
            if oldest.is_none() && seat.may_end(now) {
                *oldest = Some(*number);
            }
        }
        let greedier = of.into_values().filter(|(count, _)| *count > own);
        let places = greedier.filter_map(|(count, oldest)| Some((count, Reverse(oldest?))));
        places.max().map(|(_, Reverse(oldest))| oldest)
    }

    /// Takes the place of the oldest of these that may be asked to give way.
    fn make_way(&mut self, which: impl Fn(&Seat) -> bool) {
        let now = Instant::now();
        let mut seats = self.seats.iter();
        let oldest = seats.find(|(_, seat)| which(seat) && seat.may_end(now));
        if let Some(number) = oldest.map(|(number, _)| *number) {
            self.end(number);
        }
    }

    fn end(&mut self, number: u64) {
        if let Some(seat) = self.seats.remove(&number) {
            seat.gives_way.notify_one();
        }
    }
}

impl Seat {
    fn may_end(&self, now: Instant) -> bool {
        let patience = self.answer.map_or(ASKED, |_| TAKEN);
        now.duration_since(self.since) >= patience
    }
}

impl Place {
    /// Notes that the client has proved that it knows a token: it has a share of
    /// its own, as long as that lasts.
    pub(crate) fn prove(&self) {
        let mut inner = self.places.lock();
        if inner.count(|seat| seat.proved) >= PROVED {
            return;
        }
        if let Some(seat) = inner.seats.get_mut(&self.number) {
            seat.proved = true;
            inner.admit();
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
    pub(crate) fn gives_way(&self) -> Arc<Notify> {
        Arc::clone(&self.gives_way)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inner = self.places.lock();
        inner.seats.remove(&self.number);
        inner.admit();
        drop(inner);
        self.places.freed.notify_one();
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
    use futures_util::FutureExt;

    use super::turn::WAITING;
    use super::*;

    /// All places of a server that runs.
    fn tended() -> Arc<Places> {
        let places = Arc::<Places>::default();
        let all = Arc::clone(&places);
        tokio::spawn(async move { all.tend().await });
        places
    }

    /// A place at once, or none.
    fn try_enter(places: &Arc<Places>, peer: IpAddr) -> Option<Place> {
        let entered = tokio::task::unconstrained(places.enter(peer));
        entered.now_or_never().flatten()
    }

    fn from(last: u8) -> IpAddr {
        [10, 0, 0, last].into()
    }

    async fn enter(places: &Arc<Places>, last: u8) -> Option<Place> {
        places.enter(from(last)).await
    }

    #[tokio::test(start_paused = true)]
    async fn idle_connections_of_one_client_took_every_place() {
        let places = tended();
        let mut idle = Vec::new();
        for _ in 0..300 {
            idle.extend(try_enter(&places, from(1)));
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
        let places = tended();
        let mut idle = Vec::new();
        for last in 10..100 {
            for _ in 0..OF_ONE {
                idle.extend(try_enter(&places, from(last)));
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

    /// Twenty clients, each with as many connections as it may have, and as many more
    /// that wait: whoever came with one waited behind all of them, or was cut.
    #[tokio::test(start_paused = true)]
    async fn twenty_greedy_clients_kept_everybody_waiting() {
        let places = tended();
        let mut crowd = tokio::task::JoinSet::new();
        for number in 0..20 * 70_u32 {
            let places = Arc::clone(&places);
            crowd.spawn(async move {
                loop {
                    let peer = IpAddr::from([10, 0, 1, (number % 20) as u8]);
                    if let Some(place) = places.enter(peer).await {
                        let gives_way = place.gives_way();
                        let _ = timeout(Duration::from_secs(1), gives_way.notified()).await;
                    }
                    sleep(Duration::from_millis(100)).await;
                }
            });
        }
        sleep(Duration::from_secs(1)).await;
        for last in 1..=20 {
            let began = Instant::now();
            assert!(enter(&places, last).await.is_some(), "{last} is cut");
            let waited = began.elapsed();
            assert!(waited <= ASKED + LOOK, "{last} waits {waited:?}");
            let waiting: usize = places.lock().waiting.values().map(Vec::len).sum();
            assert!(waiting <= WAITING, "{waiting}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_proved_itself_leaves_its_place_to_strangers() {
        let places = tended();
        let mut proved = Vec::new();
        for last in 0..100 {
            let place = try_enter(&places, from(last)).unwrap();
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
