//! What operators have ordered for one cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use meshworker_core::Acknowledged;
use serde::{Deserialize, Serialize};

use crate::{Order, Ordered};

/// So many orders of one kind are kept: more are a mistake, or mischief.
const MOST: usize = 1_000;

/// That something is held.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Held {
    /// Why.
    pub why: String,
    /// Who ordered it, as far as that is known.
    pub who: Option<String>,
    /// Since when, in milliseconds since 1970.
    pub at_ms: u64,
    /// Until when; none until it is resumed.
    pub until_ms: Option<u64>,
}

impl Held {
    /// For how long it was ordered, by the clock of the worker that took the order; none until
    /// it is resumed.
    pub fn length(&self) -> Option<Duration> {
        let until = self.until_ms?;
        Some(Duration::from_millis(until.saturating_sub(self.at_ms)))
    }
}

/// That another member is to take the primary's place now.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Failover {
    /// Who was primary then, by its id.
    pub from: Option<String>,
    /// In which term that one was opened, or the last one that was.
    pub term: Option<u64>,
    /// Who is lost for good.
    pub lost: BTreeSet<String>,
    /// Until when it is meant, in milliseconds since 1970.
    pub until_ms: u64,
}

/// What operators have ordered for one cluster, and what of it holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Given {
    /// The whole cluster is held.
    pub hold: Option<Held>,
    /// These members are held.
    pub held: BTreeMap<String, Held>,
    /// These nodes are gone for good.
    pub forget: BTreeSet<String>,
    /// How often something was acknowledged, of which losses, and how many members are enough.
    pub acknowledged: Option<(u64, u64, usize)>,
    /// These members do not change between primary and replica.
    pub downtime: BTreeMap<String, Held>,
    /// Another member is to take the primary's place.
    pub failover: Option<Failover>,
    /// The cluster that was seen to take writes last.
    pub born: Option<String>,
    /// These members are to be free of data.
    pub drains: BTreeSet<String>,
    /// What is wished for while the cluster runs.
    pub wishes: BTreeMap<String, String>,
}

/// There are too many orders already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "found as many orders as can be kept; allowed: {MOST} of a kind, and 900 KiB of words together; \
     resume what need not be held"
)]
pub struct TooMany;

impl Given {
    /// Whether there is room for this order.
    ///
    /// # Errors
    ///
    /// There are too many of its kind.
    pub fn room(&self, order: &Order) -> Result<(), TooMany> {
        let full = match order {
            Order::Hold {
                member: Some(member),
                ..
            } => self.held.len() >= MOST && !self.held.contains_key(member),
            Order::Forget { node } => self.forget.len() >= MOST && !self.forget.contains(node),
            Order::Drain { member, wanted } => {
                *wanted && self.drains.len() >= MOST && !self.drains.contains(member)
            }
            Order::Wish { name, value } => {
                value.is_some() && self.wishes.len() >= MOST && !self.wishes.contains_key(name)
            }
            Order::Downtime { member, .. } => {
                self.downtime.len() >= MOST && !self.downtime.contains_key(member)
            }
            Order::Failover { lost, .. } => lost.len() > MOST,
            Order::Hold { member: None, .. }
            | Order::Resume { .. }
            | Order::Uptime { .. }
            | Order::FailedOver
            | Order::Succeeded { .. }
            | Order::Born { .. }
            | Order::Forgotten { .. }
            | Order::Acknowledge { .. } => false,
        };
        if full { Err(TooMany) } else { Ok(()) }
    }

    /// Obeys from now on; whether that changes anything. One for which there is no room
    /// is not heeded, by nobody.
    pub fn obey(&mut self, ordered: Ordered) -> bool {
        let Ordered {
            who, at_ms, order, ..
        } = ordered;
        if self.room(&order).is_err() {
            return false;
        }
        let held = |why, until_ms| Held {
            why,
            who,
            at_ms,
            until_ms,
        };
        match order {
            Order::Hold {
                member,
                why,
                until_ms,
            } => {
                let held = held(why, until_ms);
                let before = match member {
                    None => self.hold.replace(held.clone()),
                    Some(member) => self.held.insert(member, held.clone()),
                };
                before != Some(held)
            }
            Order::Resume { member: None } => self.hold.take().is_some(),
            Order::Resume {
                member: Some(member),
            } => self.held.remove(&member).is_some(),
            Order::Forget { node } => self.forget.insert(node),
            Order::Forgotten { nodes } => {
                let before = self.forget.len();
                self.forget.retain(|node| !nodes.contains(node));
                self.forget.len() < before
            }
            Order::Acknowledge {
                losses,
                members,
                lost,
            } => {
                let before = self.acknowledged.map_or(0, |(number, _, _)| number);
                self.acknowledged = Some((before + 1, losses, members));
                self.born.take_if(|born| Some(&*born) == lost.as_ref());
                true
            }
            Order::Downtime {
                member,
                why,
                until_ms,
            } => {
                let held = held(why, until_ms);
                self.downtime.insert(member, held.clone()) != Some(held)
            }
            Order::Uptime { member } => self.downtime.remove(&member).is_some(),
            Order::Failover {
                from,
                term,
                lost,
                until_ms,
            } => {
                let failover = Failover {
                    from,
                    term,
                    lost,
                    until_ms,
                };
                self.failover.replace(failover.clone()) != Some(failover)
            }
            Order::FailedOver => self.failover.take().is_some(),
            Order::Succeeded { from, term } => {
                let is_it =
                    |failover: &mut Failover| (&failover.from, failover.term) == (&from, term);
                self.failover.take_if(is_it).is_some()
            }
            Order::Born { cluster } => self.born.replace(cluster.clone()) != Some(cluster),
            Order::Drain {
                member,
                wanted: true,
            } => self.drains.insert(member),
            Order::Drain {
                member,
                wanted: false,
            } => self.drains.remove(&member),
            Order::Wish {
                name,
                value: Some(value),
            } => self.wishes.insert(name, value.clone()) != Some(value),
            Order::Wish { name, value: None } => self.wishes.remove(&name).is_some(),
        }
    }

    /// What was acknowledged last, in the words of the decision.
    pub fn acknowledged(&self) -> Option<Acknowledged> {
        let (number, losses, members) = self.acknowledged?;
        Some(Acknowledged {
            number,
            losses,
            members,
        })
    }

    /// What holds for a time.
    pub fn timed(&self) -> impl Iterator<Item = &Held> {
        let all = self.hold.iter().chain(self.held.values());
        let all = all.chain(self.downtime.values());
        all.filter(|held| held.until_ms.is_some())
    }

    /// The orders that end what is over, and to fail over by this time, in milliseconds since
    /// 1970.
    pub fn over(&self, is_over: impl Fn(&Held) -> bool, now_ms: u64) -> Vec<Order> {
        let held = self.held.iter().filter(|(_, held)| is_over(held));
        let members = held.map(|(member, _)| Some(member.clone()));
        let cluster = self.hold.iter().filter(|held| is_over(held));
        let cluster = cluster.map(|_| None);
        let over = cluster.chain(members);
        let over = over.map(|member| Order::Resume { member });
        let downtime = self.downtime.iter().filter(|(_, held)| is_over(held));
        let downtime = downtime.map(|(member, _)| Order::Uptime {
            member: member.clone(),
        });
        let late = |failover: &&Failover| failover.until_ms <= now_ms;
        let failover = self.failover.iter().filter(late);
        let failover = failover.map(|failover| Order::Succeeded {
            from: failover.from.clone(),
            term: failover.term,
        });
        over.chain(downtime).chain(failover).collect()
    }

    /// What is held, drained and gone for good, as orders that outlive a group. What two groups
    /// could be told differently does not: what is wished for, and what is enough.
    pub(crate) fn bequest(&self, cluster: &str) -> Vec<Ordered> {
        let held = self
            .held
            .iter()
            .map(|(member, held)| (Some(member.clone()), held));
        let all = self.hold.iter().map(|held| (None, held)).chain(held);
        let ordered = |held: &Held, order| Ordered {
            cluster: cluster.to_owned(),
            who: held.who.clone(),
            at_ms: held.at_ms,
            order,
        };
        let hold = |(member, held): (Option<String>, &Held)| {
            let (why, until_ms) = (held.why.clone(), held.until_ms);
            let order = Order::Hold {
                member,
                why,
                until_ms,
            };
            ordered(held, order)
        };
        let downtime = |(member, held): (&String, &Held)| {
            let (member, why, until_ms) = (member.clone(), held.why.clone(), held.until_ms);
            let order = Order::Downtime {
                member,
                why,
                until_ms,
            };
            ordered(held, order)
        };
        let downtime = self.downtime.iter().map(downtime);
        let drain = |member: &String| Order::Drain {
            member: member.clone(),
            wanted: true,
        };
        let forget = |node: &String| Order::Forget { node: node.clone() };
        let others = self.drains.iter().map(drain);
        let others = others.chain(self.forget.iter().map(forget));
        let born = |cluster: &String| Order::Born {
            cluster: cluster.clone(),
        };
        let others = others.chain(self.born.iter().map(born));
        let nobody = Held::default();
        let others = others.map(|order| ordered(&nobody, order));
        all.map(hold).chain(downtime).chain(others).collect()
    }

    /// Whether nothing is ordered.
    pub fn is_empty(&self) -> bool {
        *self == Given::default()
    }
}
