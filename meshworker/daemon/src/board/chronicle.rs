//! What has happened: numbered, logged, remembered for a while, and sent to
//! whoever listens.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::sync::broadcast;

use super::Fact;
use crate::status::{Event, Events};

/// So many events are remembered: about a megabyte, and a day of a quiet cluster.
const REMEMBERED: usize = 2_000;

/// So many news a listener may be behind before it misses some.
const BEHIND: usize = 512;

/// Something new, for those who listen.
#[derive(Debug, Clone)]
pub enum News {
    /// Something happened.
    Event(Arc<Event>),
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
    events: VecDeque<Arc<Event>>,
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
        fact.log(cluster);
        let time = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
        let mut past = self.lock();
        past.newest += 1;
        let event = Arc::new(Event {
            id: past.newest,
            time,
            cluster: cluster.to_owned(),
            kind: fact.kind,
            severity: fact.severity,
            member: fact.member,
            reason: fact.reason,
            text: fact.text,
            evidence: fact.evidence,
        });
        past.events.push_back(Arc::clone(&event));
        while past.events.len() > REMEMBERED {
            past.events.pop_front();
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
    pub fn events(&self, after: u64, limit: usize, wanted: impl Fn(&Event) -> bool) -> Events {
        let past = self.lock();
        let newest_first = past.events.iter().rev();
        let newer = newest_first.take_while(|event| event.id > after);
        let found = newer.filter(|event| wanted(event)).take(limit);
        let mut events: Vec<Event> = found.map(|event| Event::clone(event)).collect();
        events.reverse();
        Events {
            events,
            oldest: past.events.front().map_or(0, |event| event.id),
            newest: past.newest,
        }
    }

    /// What a listener that heard this event last is told when it comes back:
    /// the newest `limit` events since, and how many more there were that it is
    /// not told. Whoever heard more than there is heard another process, and
    /// is told everything.
    pub fn since(
        &self,
        heard: u64,
        limit: usize,
        wanted: impl Fn(&Event) -> bool,
    ) -> (Events, u64) {
        let newest = self.lock().newest;
        let after = if heard > newest { 0 } else { heard };
        let mut found = self.events(after, limit.saturating_add(1), wanted);
        let forgotten = found.oldest.saturating_sub(after + 1);
        if found.events.len() <= limit {
            return (found, forgotten);
        }
        // Which of them were wanted nobody counts any more.
        found.events.remove(0);
        let first = found.events.first().map_or(after + 1, |event| event.id);
        (found, first.saturating_sub(after + 1))
    }

    fn lock(&self) -> MutexGuard<'_, Past> {
        // Each change is whole when the lock is given back.
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::EventKind;

    fn ids(events: &Events) -> Vec<u64> {
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

    #[test]
    fn who_comes_back_is_told_what_was_missed_and_what_is_lost() {
        let chronicle = Chronicle::default();
        for _ in 0..10 {
            chronicle.record("db", Fact::new(EventKind::Member, "again"));
        }
        let told = |heard, limit| {
            let (events, missed) = chronicle.since(heard, limit, |_| true);
            (ids(&events), missed)
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
