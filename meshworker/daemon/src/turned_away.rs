//! Who was not heard at the members' port: who, how often, since when, and why.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use meshworker_core::Told;
use tokio::time::Instant;

use crate::clock::told;
use crate::status::TurnedAway;

/// So many are remembered by name: a network of strangers fills no memory.
const MOST: usize = 64;

/// Whoever has not come again for so long is not shown any more.
const SHOWN: Duration = Duration::from_secs(600);

/// Of one that comes all the time, the log tells this seldom that it has another
/// reason now.
const AGAIN: Duration = Duration::from_secs(60);

/// So many are told of in this time, under whatever names and addresses they come: of
/// the others the status and the count tell.
const TOLD: u32 = 20;

/// In bytes.
const LONGEST: usize = 300;

/// Who was not heard. Counts all of them, and remembers the last ones.
#[derive(Debug, Default)]
pub struct Register(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    times: u64,
    /// Since when so many have been told of.
    told: Option<(Instant, u32)>,
    /// By who it is: an address, or a member at one.
    by: BTreeMap<String, Entry>,
}

#[derive(Debug)]
struct Entry {
    times: u64,
    since: SystemTime,
    last: SystemTime,
    seen: Instant,
    told: Instant,
    why: String,
}

impl Register {
    /// Notes that this one was not heard. Whether that is to be told: it is news, and
    /// there was not too much of it.
    pub fn note(&self, who: &str, why: &str) -> bool {
        let mut inner = self.lock();
        let now = Instant::now();
        inner.note(who, why, now) && inner.may_tell(now)
    }

    /// How many times somebody was not heard, ever.
    pub fn times(&self) -> u64 {
        self.lock().times
    }

    /// Who was not heard lately, in their order.
    pub fn lately(&self) -> Vec<TurnedAway> {
        let now = Instant::now();
        let inner = self.lock();
        let lately = inner.by.iter().filter(|(_, e)| now < e.seen + SHOWN);
        lately
            .map(|(who, entry)| TurnedAway {
                who: who.clone(),
                times: entry.times,
                since: told(entry.since),
                last: told(entry.last),
                why: entry.why.clone(),
            })
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Each change is whole in itself: nothing can be half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Whether that is news.
    fn note(&mut self, who: &str, why: &str, now: Instant) -> bool {
        let time = SystemTime::now();
        let who = Told::<LONGEST>::from(who).into_string();
        let why = Told::<LONGEST>::from(why).into_string();
        self.times += 1;
        if let Some(entry) = self.by.get_mut(&who) {
            entry.times += 1;
            (entry.last, entry.seen) = (time, now);
            let is_news = entry.why != why && now >= entry.told + AGAIN;
            if is_news {
                entry.told = now;
            }
            entry.why = why;
            return is_news;
        }
        if self.by.len() >= MOST {
            let oldest = self.by.iter().min_by_key(|(_, entry)| entry.seen);
            if let Some(oldest) = oldest.map(|(who, _)| who.clone()) {
                self.by.remove(&oldest);
            }
        }
        let entry = Entry {
            times: 1,
            since: time,
            last: time,
            seen: now,
            told: now,
            why,
        };
        self.by.insert(who, entry);
        true
    }

    fn may_tell(&mut self, now: Instant) -> bool {
        let (since, told) = self
            .told
            .filter(|(since, _)| now < *since + AGAIN)
            .unwrap_or((now, 0));
        self.told = Some((since, told + 1));
        told < TOLD
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_is_not_heard_is_counted_named_and_forgotten_once_it_stays_away() {
        let register = Register::default();
        assert!(register.note("10.0.1.7", "no token"));
        for _ in 0..9 {
            assert!(!register.note("10.0.1.7", "no token"));
        }
        assert!(register.note("10.0.1.8", "plain HTTP"));
        let lately = register.lately();
        let told: Vec<_> = lately.iter().map(|one| (&*one.who, one.times)).collect();
        assert_eq!(told, [("10.0.1.7", 10), ("10.0.1.8", 1)]);
        tokio::time::advance(SHOWN / 2).await;
        register.note("10.0.1.8", "plain HTTP");
        tokio::time::advance(SHOWN / 2).await;
        let told: Vec<_> = register.lately().into_iter().map(|one| one.who).collect();
        assert_eq!(told, ["10.0.1.8"]);
        assert_eq!(register.times(), 12);
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_another_reason_each_time_fills_neither_log_nor_memory() {
        let register = Register::default();
        let mut news = 0;
        for number in 0..1000 {
            news += u32::from(register.note("10.0.1.7", &format!("reason {number}")));
        }
        assert_eq!(news, 1);
        for number in 0..1000 {
            register.note(&"x".repeat(number), &"y".repeat(10_000));
        }
        let lately = register.lately();
        assert_eq!(lately.len(), MOST);
        assert!(
            lately
                .iter()
                .all(|one| one.who.len() + one.why.len() <= 2 * LONGEST)
        );
        assert_eq!(register.times(), 2000);
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_under_another_name_each_time_filled_the_log() {
        let register = Register::default();
        let news = |minute: usize| {
            let each = (0..1000).map(|number| format!("member {minute}.{number}"));
            each.filter(|who| register.note(who, "no token")).count()
        };
        assert_eq!(news(0), 20);
        assert_eq!(news(1), 0);
        tokio::time::advance(AGAIN).await;
        assert_eq!(news(2), 20);
        assert_eq!(register.times(), 3000);
    }
}
