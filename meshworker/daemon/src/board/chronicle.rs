//! What has happened: numbered, logged, remembered for a while, and sent to
//! whoever listens.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use meshworker_core::Told;
use meshworker_group::Told as Agreed;
use serde::Deserialize;
use tokio::sync::broadcast;

use super::Fact;
use super::noted::{Noted, Page};
use crate::clock;
use crate::status::Event;

/// So many events are remembered: a day of a quiet cluster.
const REMEMBERED: usize = 2_000;

/// So many bytes of their words, and of what these are on the wire: twice what as many
/// usual ones have.
const BYTES: usize = 2 << 20;

/// What they take at the most, in bytes, with all that stands around the words, and
/// with the news that listeners have not heard yet.
pub(crate) const EVENTS: usize = BYTES + (REMEMBERED + BEHIND) * AN_EVENT;

/// An event besides its words: with its evidence, and what the allocator takes.
const AN_EVENT: usize = size_of::<Noted>() + (4 + MOST_EVIDENCE) * 40;

/// The longest text, and the longest name or piece of evidence, in bytes; and so many
/// pieces of evidence. What others say has bounds of its own, and is put together here.
const LONGEST_TEXT: usize = 2_000;
const LONGEST_WORD: usize = 400;
const MOST_EVIDENCE: usize = 16;

/// So many news a listener may be behind before it misses some.
const BEHIND: usize = 512;

/// Something new, for those who listen.
#[derive(Debug, Clone)]
pub enum News {
    /// Something happened.
    Event(Arc<Noted>),
    /// The status of the cluster of this name has changed.
    Cluster(Arc<str>),
}

/// What has happened: numbered, logged, remembered for a while, and sent to
/// whoever listens.
#[derive(Debug)]
pub struct Chronicle {
    past: Mutex<Past>,
    news: broadcast::Sender<News>,
}

#[derive(Debug, Default)]
struct Past {
    events: VecDeque<Arc<Noted>>,
    bytes: usize,
    newest: u64,
}

impl Default for Chronicle {
    fn default() -> Chronicle {
        Chronicle {
            past: Mutex::default(),
            news: broadcast::Sender::new(BEHIND),
        }
    }
}

impl Chronicle {
    /// Notes what happened to a cluster.
    pub fn record(&self, cluster: &str, fact: Fact) {
        let fact = bounded(fact);
        fact.log(cluster);
        let time = clock::told(SystemTime::now());
        let mut past = self.lock();
        let id = past.newest + 1;
        self.note(&mut past, fact.event(id, time, cluster));
    }

    /// What happened to a cluster, for all workers to note alike; it is in this one's log.
    pub(super) fn to_agree_on(cluster: &str, fact: Fact) -> Option<Agreed> {
        let fact = bounded(fact);
        fact.log(cluster);
        let time = SystemTime::now();
        let event = fact.event(0, clock::told(time), cluster);
        Some(Agreed {
            cluster: cluster.to_owned(),
            at_ms: clock::millis(time),
            fact: serde_json::to_value(event).ok()?,
        })
    }

    /// Notes what all workers have agreed to tell, under this number.
    pub(super) fn agreed(&self, number: u64, told: &Agreed) {
        // A newer worker may tell what is not understood here.
        let Ok(event) = Event::deserialize(&told.fact) else {
            return;
        };
        let mut past = self.lock();
        if number > past.newest {
            self.note(
                &mut past,
                Event {
                    id: number,
                    ..event
                },
            );
        }
    }

    /// Forgets everything: what is agreed on next is numbered by another group.
    pub(super) fn begin_anew(&self) {
        *self.lock() = Past::default();
    }

    fn note(&self, past: &mut Past, event: Event) {
        past.newest = event.id;
        let event = Arc::new(Noted::new(event));
        past.bytes += event.weight();
        past.events.push_back(Arc::clone(&event));
        while past.events.len() > REMEMBERED || past.bytes > BYTES {
            let Some(oldest) = past.events.pop_front() else {
                break;
            };
            past.bytes -= oldest.weight();
        }
        // Under the lock, so that listeners hear events in their order. That
        // nobody listens is no failure.
        let _ = self.news.send(News::Event(event));
    }

    /// Tells those who listen that a cluster's status has changed.
    pub fn changed(&self, cluster: &Arc<str>) {
        let _ = self.news.send(News::Cluster(Arc::clone(cluster)));
    }

    /// Listens from now on.
    pub fn listen(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }

    /// Of the events after this id that pass the filter, the newest `limit`,
    /// oldest first.
    pub fn events(&self, after: u64, limit: usize, wanted: impl Fn(&Event) -> bool) -> Page {
        let past = self.lock();
        let newest_first = past.events.iter().rev();
        let newer = newest_first.take_while(|event| event.id > after);
        let found = newer.filter(|event| wanted(event)).take(limit);
        let mut events: Vec<Arc<Noted>> = found.cloned().collect();
        events.reverse();
        Page {
            events,
            oldest: past.events.front().map_or(0, |event| event.id),
            newest: past.newest,
        }
    }

    /// The first event after this id that passes the filter.
    pub fn next(&self, after: u64, wanted: impl Fn(&Event) -> bool) -> Option<Arc<Noted>> {
        let past = self.lock();
        let known = past.events.partition_point(|event| event.id <= after);
        let mut newer = past.events.range(known..);
        newer.find(|event| wanted(event)).cloned()
    }

    /// The newest event there ever was.
    pub fn newest(&self) -> u64 {
        self.lock().newest
    }

    /// Where a listener that heard this event last goes on when it comes back, and
    /// how many events it is not told: at most the newest `limit` since are told.
    /// Whoever heard more than there is heard another process, and is told everything.
    pub fn since(&self, heard: u64, limit: usize, wanted: impl Fn(&Event) -> bool) -> (u64, u64) {
        let past = self.lock();
        let after = if heard > past.newest { 0 } else { heard };
        let oldest = past.events.front().map_or(0, |event| event.id);
        let forgotten = oldest.saturating_sub(after + 1);
        let newest_first = past.events.iter().rev();
        let newer = newest_first.take_while(|event| event.id > after);
        let mut told = newer
            .filter(|event| wanted(event))
            .skip(limit.saturating_sub(1));
        let first = told.next().map(|event| event.id);
        // Which of those that are left out were wanted nobody counts any more.
        match first.filter(|_| told.next().is_some()) {
            Some(first) => (first - 1, first - 1 - after),
            None => (after + forgotten, forgotten),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Past> {
        // Each change is whole when the lock is given back.
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same, of bounded length.
fn bounded(fact: Fact) -> Fact {
    let word = |word: String| Told::<LONGEST_WORD>::from(word).into_string();
    let evidence = fact.evidence.into_iter().take(MOST_EVIDENCE).map(word);
    Fact {
        text: Told::<LONGEST_TEXT>::from(fact.text).into_string(),
        member: fact.member.map(word),
        reason: fact.reason.map(word),
        evidence: evidence.collect(),
        ..fact
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::EventKind;

    fn ids(events: &Page) -> Vec<u64> {
        events.events.iter().map(|event| event.id).collect()
    }

    #[test]
    fn the_newest_events_that_are_asked_for_come_oldest_first() {
        let chronicle = Chronicle::default();
        for number in 1..=10 {
            let fact = Fact::new(EventKind::Member, number.to_string());
            let cluster = if number % 2 == 0 { "even" } else { "odd" };
            chronicle.record(cluster, fact);
        }
        assert_eq!(ids(&chronicle.events(0, 3, |_| true)), [8, 9, 10]);
        let even = chronicle.events(3, 100, |event| event.cluster == "even");
        assert_eq!(ids(&even), [4, 6, 8, 10]);
        assert_eq!((even.oldest, even.newest), (1, 10));
        assert!(chronicle.events(10, 3, |_| true).events.is_empty());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let chronicle = Chronicle::default();
        for _ in 0..REMEMBERED + 5 {
            chronicle.record("db", Fact::new(EventKind::Member, "again"));
        }
        let all = chronicle.events(0, usize::MAX, |_| true);
        assert_eq!(all.events.len(), REMEMBERED);
        assert_eq!(all.oldest, 6);
    }

    /// Each of some thousand events held megabytes of a node's words.
    #[test]
    fn the_words_of_events_filled_the_memory() {
        let chronicle = Chronicle::default();
        for _ in 0..REMEMBERED {
            let fact = Fact {
                evidence: vec!["e".repeat(1 << 16); 100],
                ..Fact::new(EventKind::Member, "t".repeat(1 << 16)).about("m".repeat(1 << 16))
            };
            chronicle.record("db", fact);
        }
        let all = chronicle.events(0, usize::MAX, |_| true);
        let bytes: usize = all.events.iter().map(|event| event.weight()).sum();
        assert!(bytes <= BYTES && bytes > BYTES / 2, "{bytes}");
        assert_eq!(all.newest, REMEMBERED as u64);
        assert!(all.events.iter().all(|event| event.weight() < 20_000));
    }

    #[test]
    fn who_comes_back_is_told_what_was_missed_and_what_is_lost() {
        let chronicle = Chronicle::default();
        for _ in 0..10 {
            chronicle.record("db", Fact::new(EventKind::Member, "again"));
        }
        let told = |heard, limit| {
            let (mut after, missed) = chronicle.since(heard, limit, |_| true);
            let mut told = Vec::new();
            while let Some(event) = chronicle.next(after, |_| true) {
                after = event.id;
                told.push(after);
            }
            (told, missed)
        };
        assert_eq!(told(7, 100), (vec![8, 9, 10], 0));
        assert_eq!(told(7, 3), (vec![8, 9, 10], 0));
        assert_eq!(told(10, 100), (vec![], 0));
        // More than one reader is told at once.
        assert_eq!(told(2, 3), (vec![8, 9, 10], 5));
        // Another process counted that far.
        assert_eq!(told(11, 100).0.len(), 10);
        for _ in 0..REMEMBERED {
            chronicle.record("db", Fact::new(EventKind::Member, "again"));
        }
        assert_eq!(chronicle.since(7, REMEMBERED, |_| true).1, 3);
    }

    #[tokio::test]
    async fn who_listens_hears_everything_in_order_and_learns_what_was_missed() {
        let chronicle = Chronicle::default();
        let mut quick = chronicle.listen();
        chronicle.record("db", Fact::new(EventKind::Member, "one"));
        chronicle.changed(&"db".into());
        assert!(matches!(quick.recv().await, Ok(News::Event(event)) if event.id == 1));
        assert!(matches!(quick.recv().await, Ok(News::Cluster(name)) if &*name == "db"));
        for _ in 0..BEHIND + 1 {
            chronicle.record("db", Fact::new(EventKind::Member, "more"));
        }
        assert!(matches!(
            quick.recv().await,
            Err(broadcast::error::RecvError::Lagged(1))
        ));
    }
}
