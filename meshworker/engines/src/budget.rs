//! How much of what nodes reply may be under way, of all of them together, and how
//! much of it is kept.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::dial::UNREAD;

/// So many bytes of each conversation need nobody's leave: a cluster of a hundred
/// members says no more.
pub const FREE: usize = 32 << 10;

/// So many bytes the conversations may have, together, that have more.
pub const LONG: usize = 8 << 20;

/// So many bytes of the lists that the nodes of one cluster tell are kept, of all looks
/// that are remembered. Equal lists are one: those of a thousand members that agree
/// take a fortieth.
pub const LISTS: usize = 12 << 20;

/// So many connections to nodes are kept: far below the usual limit of 1024 open files.
/// The nodes beyond get a new connection for each request.
pub const MOST_KEPT: usize = 256;

/// What a connection to a node takes at the most, in bytes: what waits to be read, what
/// TLS keeps, and twice what the kernel holds.
pub const A_CONNECTION: usize = (24 << 10) + 2 * UNREAD as usize;

/// The longest reply of any node to one question: a list of keys.
pub const LONGEST_REPLY: u64 = 4 << 20;

/// What is read of one reply at a time, besides its bytes: its value, and its text.
pub const READING: usize = 2 * LONGEST_REPLY as usize;

/// Whoever has a turn for so long gives way when another one waits for it: a list of a
/// thousand nodes comes within milliseconds.
const HELD: Duration = Duration::from_millis(250);

/// Between two looks for somebody who gives way.
const LOOK: Duration = Duration::from_millis(25);

static TURNS: Turns = Turns::new();

/// Who has a turn: one at a time has as many bytes as it could need in all, so that
/// none waits for more within its own.
#[derive(Debug)]
struct Turns {
    inner: Mutex<Inner>,
    freed: Notify,
}

#[derive(Debug)]
struct Inner {
    came: u64,
    turns: BTreeMap<u64, Turn>,
}

#[derive(Debug)]
struct Turn {
    bytes: usize,
    since: Instant,
    gives_way: Arc<Notify>,
}

impl Turns {
    const fn new() -> Turns {
        Turns {
            inner: Mutex::new(Inner {
                came: 0,
                turns: BTreeMap::new(),
            }),
            freed: Notify::const_new(),
        }
    }

    /// The number of a turn for so many bytes. May be cancelled.
    async fn take(&self, bytes: usize, gives_way: &Arc<Notify>) -> u64 {
        loop {
            if let Some(number) = self.try_take(bytes, gives_way) {
                return number;
            }
            tokio::select! {
                () = self.freed.notified() => {}
                () = sleep(LOOK) => {}
            }
        }
    }

    fn try_take(&self, bytes: usize, gives_way: &Arc<Notify>) -> Option<u64> {
        let mut inner = self.lock();
        let now = Instant::now();
        loop {
            let taken: usize = inner.turns.values().map(|turn| turn.bytes).sum();
            if taken == 0 || taken + bytes <= LONG {
                break;
            }
            // The numbers are given in the order of coming.
            let oldest = inner.turns.first_entry()?;
            if now.duration_since(oldest.get().since) < HELD {
                return None;
            }
            oldest.remove().gives_way.notify_one();
        }
        let number = inner.came;
        inner.came += 1;
        let turn = Turn {
            bytes,
            since: now,
            gives_way: Arc::clone(gives_way),
        };
        inner.turns.insert(number, turn);
        Some(number)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Each change is whole in itself: nothing can be half done.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one conversation has of the budget, until it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    turns: &'static Turns,
    most: usize,
    before: usize,
    turn: Option<u64>,
    gives_way: Arc<Notify>,
}

impl Share {
    /// For a conversation in which so many bytes come at the most.
    pub(crate) fn of(most: usize) -> Share {
        Share {
            turns: &TURNS,
            most: most.min(LONG),
            before: 0,
            turn: None,
            gives_way: Arc::default(),
        }
    }

    /// Resolves when another conversation needs the turn more.
    pub(crate) fn gives_way(&self) -> Arc<Notify> {
        Arc::clone(&self.gives_way)
    }

    /// How many more bytes may come.
    pub(crate) fn left(&self) -> usize {
        self.most - self.before
    }

    /// Waits until so many bytes of this reply are covered. Only what has come is asked
    /// for: whoever announces much and sends nothing takes nothing from others. May be
    /// cancelled.
    pub(crate) async fn cover(&mut self, bytes: usize) {
        if self.turn.is_none() && self.before.saturating_add(bytes) > FREE {
            let turn = self.turns.take(self.most, &self.gives_way);
            self.turn = Some(turn.await);
        }
    }

    /// Another reply comes after one of so many bytes.
    pub(crate) fn next(&mut self, bytes: usize) {
        self.before = self.before.saturating_add(bytes).min(self.most);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if let Some(number) = self.turn {
            self.turns.lock().turns.remove(&number);
            self.turns.freed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    /// What is `LONG` in pieces of this.
    const PIECE: usize = 1 << 20;

    fn shares(turns: &'static Turns, count: usize) -> Vec<Share> {
        let share = || {
            let mut share = Share::of(PIECE);
            share.turns = turns;
            share
        };
        (0..count).map(|_| share()).collect()
    }

    fn covered(share: &mut Share, bytes: usize) -> bool {
        share.cover(bytes).now_or_never().is_some()
    }

    /// A hundred nodes that each sent megabytes filled the memory.
    #[tokio::test(start_paused = true)]
    async fn replies_of_all_nodes_together_had_no_bound() {
        static OWN: Turns = Turns::new();
        let mut shares = shares(&OWN, 100);
        let reading = shares.iter_mut().map(|one| covered(one, FREE + 1));
        assert_eq!(reading.filter(|one| *one).count(), LONG / PIECE);
        // The same turn is not taken twice, and a short reply is always read.
        assert!(covered(&mut shares[0], PIECE));
        assert!(covered(&mut shares[99], FREE));
        assert!(!covered(&mut shares[99], FREE + 1));
        shares.remove(0);
        assert!(covered(&mut shares[98], FREE + 1));
    }

    /// Nodes that began a long reply and never ended it kept all others from being heard.
    #[tokio::test(start_paused = true)]
    async fn whoever_does_not_end_a_long_reply_gives_way() {
        static OWN: Turns = Turns::new();
        let mut stalled = shares(&OWN, LONG / PIECE);
        assert!(stalled.iter_mut().all(|one| covered(one, FREE + 1)));
        let mut honest = shares(&OWN, 1);
        let began = Instant::now();
        honest[0].cover(FREE + 1).await;
        assert!(began.elapsed() <= HELD + LOOK);
        // The oldest one learns that it is over; the others go on.
        assert!(stalled[0].gives_way().notified().now_or_never().is_some());
        assert!(stalled[1].gives_way().notified().now_or_never().is_none());
    }

    /// Each of many conversations held a part of the budget and waited for the rest.
    #[tokio::test(start_paused = true)]
    async fn a_thousand_long_replies_all_come_to_their_end() {
        static OWN: Turns = Turns::new();
        let reading = shares(&OWN, 1_000).into_iter().map(async |mut share| {
            for bytes in (0..PIECE).step_by(16 << 10) {
                share.cover(bytes).await;
                tokio::task::yield_now().await;
            }
        });
        let began = Instant::now();
        futures_util::future::join_all(reading).await;
        assert!(began.elapsed() < Duration::from_secs(1));
    }
}
