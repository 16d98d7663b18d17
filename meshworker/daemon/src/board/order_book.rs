//! What operators have ordered for one cluster, and what the process may do at all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use meshworker_core::{Acknowledged, Orders, Wishes};
use tokio::sync::Notify;
use tokio::time::Instant;

/// An order to forget somebody holds for so long: whoever is not gone by then
/// was meant otherwise.
const FORGET_FOR: Duration = Duration::from_secs(600);

/// So many orders of one kind are kept: more are a mistake, or mischief.
const MOST: usize = 1_000;

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

/// What operators have ordered for one cluster. It is kept in memory: a worker
/// that restarts holds nothing any more.
#[derive(Debug)]
pub struct OrderBook {
    powers: Powers,
    given: Mutex<Given>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Given {
    hold: Option<String>,
    held: BTreeMap<String, String>,
    forget: BTreeMap<String, Instant>,
    acknowledged: Option<Acknowledged>,
    drains: BTreeSet<String>,
}

/// There are too many orders already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("found {MOST} of them already; allowed: {MOST}; resume what need not be held")]
pub struct TooMany;

impl OrderBook {
    /// No orders yet.
    pub fn new(powers: Powers) -> OrderBook {
        OrderBook {
            powers,
            given: Mutex::default(),
            news: Notify::new(),
        }
    }

    /// What the process may do at all.
    pub fn powers(&self) -> Powers {
        self.powers
    }

    /// What holds now.
    pub fn orders(&self, now: Instant) -> Orders {
        let mut given = self.lock();
        given.forget.retain(|_, since| now < *since + FORGET_FOR);
        Orders {
            dry_run: self.powers.dry_run,
            no_removals: !self.powers.removals,
            hold: given.hold.clone(),
            held: given.held.clone(),
            forget: given.forget.keys().cloned().collect(),
            acknowledged: given.acknowledged,
            drains: given.drains.clone(),
            // Told at the desk, by every worker to all.
            leave: BTreeSet::new(),
            // Nobody can give any yet.
            wishes: Wishes::none(),
        }
    }

    /// Holds the cluster, or one member of it.
    ///
    /// # Errors
    ///
    /// Too many members are held already.
    pub fn hold(&self, member: Option<String>, why: String) -> Result<(), TooMany> {
        let mut given = self.lock();
        match member {
            None => given.hold = Some(why),
            Some(_) if given.held.len() >= MOST => return Err(TooMany),
            Some(member) => {
                given.held.insert(member, why);
            }
        }
        self.news.notify_one();
        Ok(())
    }

    /// Resumes the cluster, or one member of it. Whether anything was held.
    pub fn resume(&self, member: Option<&str>) -> bool {
        let mut given = self.lock();
        let was = match member {
            None => given.hold.take(),
            Some(member) => given.held.remove(member),
        };
        self.news.notify_one();
        was.is_some()
    }

    /// Notes that an operator knows this member to be gone.
    ///
    /// # Errors
    ///
    /// Too many are to be forgotten already.
    pub fn forget(&self, member: String, now: Instant) -> Result<(), TooMany> {
        let mut given = self.lock();
        if given.forget.len() >= MOST {
            return Err(TooMany);
        }
        given.forget.insert(member, now);
        self.news.notify_one();
        Ok(())
    }

    /// Notes that an operator knows of all losses up to this number, and that so many
    /// members are enough.
    pub fn acknowledge(&self, losses: u64, members: usize) {
        let mut given = self.lock();
        let before = given.acknowledged.map_or(0, |order| order.number);
        given.acknowledged = Some(Acknowledged {
            number: before + 1,
            losses,
            members,
        });
        self.news.notify_one();
    }

    /// Notes that this member is to be free of data, or need not be any more.
    pub fn drain(&self, member: &str, wanted: bool) {
        let mut given = self.lock();
        match wanted {
            true => given.drains.insert(member.to_owned()),
            false => given.drains.remove(member),
        };
        self.news.notify_one();
    }

    /// Drops orders to forget that are carried out.
    pub fn fulfilled(&self, words: &BTreeSet<String>) {
        if !words.is_empty() {
            self.lock().forget.retain(|word, _| !words.contains(word));
        }
    }

    /// Resolves when an order was given since this resolved last.
    pub async fn changed(&self) {
        self.news.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Given> {
        // Each change is whole when the lock is given back.
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn orders_hold_until_they_are_taken_back_or_have_run_out() {
        let book = OrderBook::new(Powers::default());
        assert_eq!(book.orders(Instant::now()), Orders::default());
        book.hold(None, "why".into()).unwrap();
        book.hold(Some("db.2".into()), "disk".into()).unwrap();
        book.forget("n4".into(), Instant::now()).unwrap();
        book.changed().await;
        let orders = book.orders(Instant::now());
        assert_eq!(orders.hold.as_deref(), Some("why"));
        assert_eq!(orders.held["db.2"], "disk");
        assert!(orders.forget.contains("n4"));
        book.forget("n5".into(), Instant::now()).unwrap();
        book.fulfilled(&["n5".to_owned()].into());
        assert_eq!(book.orders(Instant::now()).forget, ["n4".to_owned()].into());
        tokio::time::advance(FORGET_FOR).await;
        assert!(book.orders(Instant::now()).forget.is_empty());
        assert!(book.resume(None) && !book.resume(None));
        assert!(book.resume(Some("db.2")) && !book.resume(Some("db.2")));
        assert_eq!(book.orders(Instant::now()), Orders::default());
    }

    #[test]
    fn a_process_without_powers_orders_less_for_ever() {
        let powers = Powers {
            dry_run: true,
            removals: false,
        };
        let book = OrderBook::new(powers);
        book.resume(None);
        let orders = book.orders(Instant::now());
        assert!(orders.dry_run && orders.no_removals);
    }
}
