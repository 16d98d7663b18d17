//! What operators have ordered for one cluster, and what the process may do at all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use meshworker_core::{Forced, Orders, Wishes};
use meshworker_group::{Given, Held, Order, Ordered, TooMany};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::clock;
use crate::group::Group;

/// An order to forget somebody holds for so long: whoever is not gone by then
/// was meant otherwise.
const FORGET_FOR: Duration = Duration::from_secs(600);

/// What the process may do at all, whatever operators order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Powers {
    /// It plans and shows, and does nothing.
    pub dry_run: bool,
    /// Whether it may make clusters forget members.
    pub removals: bool,
}

impl Default for Powers {
    fn default() -> Powers {
        Powers {
            dry_run: false,
            removals: true,
        }
    }
}

/// Why an order does not hold.
#[derive(Debug, thiserror::Error)]
pub enum NotGiven {
    /// There are too many like it.
    #[error(transparent)]
    TooMany(#[from] TooMany),
    /// The workers do not agree on it, or nobody knows yet whether they do.
    #[error("{0}")]
    NotAgreed(String),
}

/// What operators have ordered for one cluster. Workers in a group agree on it, and it
/// outlives any few of them; one alone keeps it in memory, and forgets it when it ends.
#[derive(Debug)]
pub struct OrderBook {
    cluster: Arc<str>,
    powers: Powers,
    group: Option<Group>,
    known: Mutex<Known>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Known {
    given: Given,
    /// Since when this worker knows of each order to forget.
    since: BTreeMap<String, Instant>,
    /// Who told this worker to drain a member, and why.
    drained_by: BTreeMap<String, String>,
    /// When what holds for a time is over, by when it was ordered and until when.
    ends: BTreeMap<(u64, Option<u64>), Instant>,
    /// Whether it has heard what was agreed on before it began.
    begun: bool,
}

impl Known {
    /// Notes when what holds for a time is over. Whoever hears of it as it is ordered counts its
    /// time from then: the clock of one worker may be far from another's. Only what was
    /// ordered before this worker began it has to take at its word.
    fn note_ends(&mut self, (now, wall): (Instant, u64), at_once: bool) {
        let before = std::mem::take(&mut self.ends);
        for held in self.given.timed() {
            let key = (held.at_ms, held.until_ms);
            let length = held.length().unwrap_or_default();
            let left =
                Duration::from_millis(held.until_ms.unwrap_or_default().saturating_sub(wall));
            let left = if at_once { length } else { length.min(left) };
            let end = before.get(&key).copied().unwrap_or(now + left);
            self.ends.insert(key, end);
        }
    }

    fn is_over(&self, held: &Held, now: Instant) -> bool {
        let end = self.ends.get(&(held.at_ms, held.until_ms));
        held.until_ms.is_some() && end.is_none_or(|end| *end <= now)
    }
}

impl OrderBook {
    /// No orders yet; they are agreed on in this group, where there is one.
    pub fn new(cluster: Arc<str>, powers: Powers, group: Option<Group>) -> OrderBook {
        OrderBook {
            cluster,
            powers,
            group,
            known: Mutex::default(),
            news: Notify::new(),
        }
    }

    /// What the process may do at all.
    pub fn powers(&self) -> Powers {
        self.powers
    }

    /// What holds now.
    pub fn orders(&self, now: Instant) -> Orders {
        let wall = clock::millis(SystemTime::now());
        let mut known = self.lock();
        let Known { given, since, .. } = &mut *known;
        since.retain(|node, _| given.forget.contains(node));
        let new = given.forget.iter();
        let fresh =
            new.filter(|node| now < *since.entry((*node).clone()).or_insert(now) + FORGET_FOR);
        let forget = fresh.cloned().collect();
        let known = &*known;
        let given = &known.given;
        let holds = |held: &&Held| !known.is_over(held, now);
        let held = given.held.iter().filter(|(_, held)| holds(held));
        Orders {
            dry_run: self.powers.dry_run,
            no_removals: !self.powers.removals,
            hold: given.hold.as_ref().filter(holds).map(told),
            held: held
                .map(|(member, held)| (member.clone(), told(held)))
                .collect(),
            downtime: (given.downtime.iter().filter(|(_, held)| holds(held)))
                .map(|(member, held)| (member.clone(), told(held)))
                .collect(),
            forced: (given.failover.as_ref())
                .filter(|failover| wall < failover.until_ms)
                .map(|failover| Forced {
                    from: failover.from.clone(),
                    term: failover.term,
                    lost: failover.lost.clone(),
                }),
            born: given.born.clone(),
            forget,
            acknowledged: given.acknowledged(),
            drains: (given.drains.iter())
                .map(|member| {
                    let by = known.drained_by.get(member).cloned();
                    (member.clone(), by.unwrap_or_default())
                })
                .collect(),
            // Told at the desk, by every worker to all.
            leave: BTreeMap::new(),
            wishes: (given.wishes.iter()).fold(Wishes::none(), |wishes, (name, value)| {
                wishes.with(name, value)
            }),
        }
    }

    /// Notes who told this worker to drain a member, and why; none when nobody does any more.
    pub fn note_drain(&self, member: &str, by: Option<String>) {
        let mut known = self.lock();
        match by {
            Some(by) => known.drained_by.insert(member.to_owned(), by),
            None => known.drained_by.remove(member),
        };
    }

    /// Has this ordered: whether that changes anything.
    ///
    /// # Errors
    ///
    /// Too much is ordered already, or the workers do not agree on it.
    pub async fn give(&self, who: Option<String>, order: Order) -> Result<bool, NotGiven> {
        let ordered = Ordered {
            cluster: self.cluster.to_string(),
            who,
            at_ms: clock::millis(SystemTime::now()),
            order,
        };
        let changes = {
            let mut known = self.lock();
            known.given.room(&ordered.order)?;
            match &self.group {
                None => {
                    let changes = known.given.obey(ordered.clone());
                    known.note_ends(here(), true);
                    changes
                }
                Some(_) => known.given.clone().obey(ordered.clone()),
            }
        };
        if let Some(group) = &self.group {
            group.order(ordered).await.map_err(NotGiven::NotAgreed)?;
        }
        self.news.notify_one();
        Ok(changes)
    }

    /// What the group has agreed on by now.
    pub fn agreed(&self, given: &Given) {
        let news = {
            let mut known = self.lock();
            let news = known.given != *given;
            known.given.clone_from(given);
            let begun = std::mem::replace(&mut known.begun, true);
            known.note_ends(here(), begun);
            news
        };
        if news {
            self.news.notify_one();
        }
    }

    /// Drops orders that are carried out, or too old: to forget somebody, by these `words`, to
    /// fail over, and to hold until a time that is past. Only the worker that acts says so.
    pub async fn fulfilled(
        &self,
        words: &BTreeSet<String>,
        failed_over: Option<&Forced>,
        now: Instant,
    ) {
        let over = {
            let known = self.lock();
            let late = |node: &&String| {
                let since = known.since.get(*node);
                words.contains(*node) || since.is_some_and(|since| now >= *since + FORGET_FOR)
            };
            let nodes: Vec<String> = known.given.forget.iter().filter(late).cloned().collect();
            let is_over = |held: &Held| known.is_over(held, now);
            let mut over = known.given.over(is_over, clock::millis(SystemTime::now()));
            if !nodes.is_empty() {
                over.push(Order::Forgotten { nodes });
            }
            over.extend(failed_over.map(|forced| Order::Succeeded {
                from: forced.from.clone(),
                term: forced.term,
            }));
            over
        };
        for order in over {
            // What is not taken now is said again after the next pass.
            let _ = self.give(None, order).await;
        }
    }

    /// Resolves when an order was given since this resolved last.
    pub async fn changed(&self) {
        self.news.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // Each change is whole when the lock is given back.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What time it is here.
fn here() -> (Instant, u64) {
    (Instant::now(), clock::millis(SystemTime::now()))
}

/// Why something is held, by whom and until when.
fn told(held: &Held) -> String {
    let until = held.until_ms.map(|until| {
        let until = SystemTime::UNIX_EPOCH + Duration::from_millis(until);
        format!("until {}", humantime::format_rfc3339_seconds(until))
    });
    let by = held.who.as_ref().map(|who| format!("by {who}"));
    let more: Vec<String> = by.into_iter().chain(until).collect();
    match more.is_empty() {
        true => held.why.clone(),
        false => format!("{} ({})", held.why, more.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(powers: Powers) -> OrderBook {
        OrderBook::new("db".into(), powers, None)
    }

    fn hold(member: Option<&str>, why: &str) -> Order {
        Order::Hold {
            member: member.map(str::to_owned),
            why: why.into(),
            until_ms: None,
        }
    }

    fn resume(member: Option<&str>) -> Order {
        let member = member.map(str::to_owned);
        Order::Resume { member }
    }

    fn forget(node: &str) -> Order {
        Order::Forget { node: node.into() }
    }

    #[tokio::test(start_paused = true)]
    async fn orders_hold_until_they_are_taken_back_or_have_run_out() {
        let book = book(Powers::default());
        let give = |order| book.give(None, order);
        assert_eq!(book.orders(Instant::now()), Orders::default());
        give(hold(None, "why")).await.unwrap();
        give(hold(Some("db.2"), "disk")).await.unwrap();
        give(forget("n4")).await.unwrap();
        book.changed().await;
        let orders = book.orders(Instant::now());
        assert_eq!(orders.hold.as_deref(), Some("why"));
        assert_eq!(orders.held["db.2"], "disk");
        assert!(orders.forget.contains("n4"));
        give(forget("n5")).await.unwrap();
        book.fulfilled(&["n5".to_owned()].into(), None, Instant::now())
            .await;
        assert_eq!(book.orders(Instant::now()).forget, ["n4".to_owned()].into());
        tokio::time::advance(FORGET_FOR).await;
        assert!(book.orders(Instant::now()).forget.is_empty());
        book.fulfilled(&BTreeSet::new(), None, Instant::now()).await;
        assert!(book.lock().given.forget.is_empty());
        for member in [None, Some("db.2")] {
            assert!(give(resume(member)).await.unwrap());
            assert!(!give(resume(member)).await.unwrap());
        }
        assert_eq!(book.orders(Instant::now()), Orders::default());
    }

    #[tokio::test]
    async fn a_wish_stands_until_it_is_taken_back() {
        let book = book(Powers::default());
        let wish = |value: Option<&str>| Order::Wish {
            name: "ideal-size".into(),
            value: value.map(str::to_owned),
        };
        let wishes = || book.orders(Instant::now()).wishes.number("ideal-size");
        for (value, number) in [(Some("3"), Some(3)), (Some("5"), Some(5)), (None, None)] {
            assert!(book.give(None, wish(value)).await.unwrap());
            assert_eq!(wishes(), number);
            assert!(!book.give(None, wish(value)).await.unwrap());
        }
    }

    #[tokio::test]
    async fn a_fail_over_is_ordered_until_it_is_done_or_too_late() {
        let book = book(Powers::default());
        let failover = |until: SystemTime| Order::Failover {
            from: Some("db.1".into()),
            term: Some(4),
            lost: ["db.3".to_owned()].into(),
            until_ms: clock::millis(until),
        };
        let forced = || book.orders(Instant::now()).forced;
        let later = SystemTime::now() + Duration::from_secs(600);
        book.give(None, failover(later)).await.unwrap();
        let ordered = Forced {
            from: Some("db.1".into()),
            term: Some(4),
            lost: ["db.3".to_owned()].into(),
        };
        assert_eq!(forced().as_ref(), Some(&ordered));
        let fulfilled = |done| book.fulfilled(const { &BTreeSet::new() }, done, Instant::now());
        fulfilled(None).await;
        assert!(forced().is_some());
        // An earlier one that is done, where this one was given meanwhile.
        let earlier = Forced {
            term: Some(3),
            ..ordered.clone()
        };
        fulfilled(Some(&earlier)).await;
        assert!(forced().is_some());
        fulfilled(Some(&ordered)).await;
        assert_eq!(forced(), None);
        book.give(None, failover(SystemTime::now())).await.unwrap();
        assert_eq!(forced(), None);
        fulfilled(None).await;
        assert_eq!(book.lock().given.failover, None);
    }

    #[tokio::test]
    async fn a_member_is_on_downtime_until_that_is_over() {
        let book = book(Powers::default());
        let downtime = |until_ms| Order::Downtime {
            member: "db.2".into(),
            why: "a new disk".into(),
            until_ms,
        };
        let on_downtime = || book.orders(Instant::now()).downtime;
        assert!(book.give(Some("ana".into()), downtime(None)).await.unwrap());
        assert_eq!(on_downtime()["db.2"], "a new disk (by ana)");
        let over = || Order::Uptime {
            member: "db.2".into(),
        };
        assert!(book.give(None, over()).await.unwrap());
        assert!(!book.give(None, over()).await.unwrap());
        let now = clock::millis(SystemTime::now());
        book.give(None, downtime(Some(now))).await.unwrap();
        assert!(on_downtime().is_empty());
        book.fulfilled(&BTreeSet::new(), None, Instant::now()).await;
        assert!(book.lock().given.downtime.is_empty());
    }

    #[tokio::test]
    async fn what_is_held_until_a_time_is_held_no_longer() {
        let book = book(Powers::default());
        let until = |time: SystemTime| Order::Hold {
            member: None,
            why: "a new disk".into(),
            until_ms: Some(clock::millis(time)),
        };
        let later = SystemTime::UNIX_EPOCH + Duration::from_secs(4_102_444_800);
        book.give(Some("ana".into()), until(later)).await.unwrap();
        let held = book.orders(Instant::now()).hold.unwrap();
        assert_eq!(held, "a new disk (by ana, until 2100-01-01T00:00:00Z)");
        book.give(None, until(SystemTime::now())).await.unwrap();
        assert_eq!(book.orders(Instant::now()).hold, None);
        book.fulfilled(&BTreeSet::new(), None, Instant::now()).await;
        assert_eq!(book.lock().given.hold, None);
    }

    /// A worker whose clock was an hour ahead ended what was held for half an hour as soon as it
    /// led, and one whose clock was put forward did so, too.
    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_ahead_ended_what_was_held() {
        let half = Duration::from_secs(1_800);
        let wall = clock::millis(SystemTime::now());
        let given = |at_ms: u64| Given {
            hold: Some(Held {
                at_ms,
                until_ms: Some(at_ms + 1_800_000),
                ..Held::default()
            }),
            ..Given::default()
        };
        // The others' clocks are an hour behind this one's.
        let book = book(Powers::default());
        let holds = || book.orders(Instant::now()).hold.is_some();
        book.agreed(&Given::default());
        book.agreed(&given(wall - 3_600_000));
        assert!(holds());
        book.fulfilled(&BTreeSet::new(), None, Instant::now()).await;
        assert!(book.lock().given.hold.is_some());
        tokio::time::advance(half - Duration::from_secs(1)).await;
        book.agreed(&given(wall - 3_600_000));
        assert!(holds());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(!holds());
        // What was ordered before it began is over when it says.
        for (ago, left) in [(3_600_000, 0), (1_200_000, 600), (0, 1_800)] {
            let book = OrderBook::new("db".into(), Powers::default(), None);
            book.agreed(&given(wall - ago));
            let holds = || book.orders(Instant::now()).hold.is_some();
            assert_eq!(holds(), left > 0);
            tokio::time::advance(Duration::from_secs(left)).await;
            assert!(!holds(), "{ago}");
        }
    }

    #[tokio::test]
    async fn a_process_without_powers_orders_less_for_ever() {
        let powers = Powers {
            dry_run: true,
            removals: false,
        };
        let book = book(powers);
        book.give(None, resume(None)).await.unwrap();
        let orders = book.orders(Instant::now());
        assert!(orders.dry_run && orders.no_removals);
    }
}
