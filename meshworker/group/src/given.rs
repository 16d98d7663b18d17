//! What operators have ordered for one cluster.

use std::collections::{BTreeMap, BTreeSet};

use meshworker_core::Acknowledged;
use serde::{Deserialize, Serialize};

use crate::{Order, Ordered};

/// So many orders of one kind are kept: more are a mistake, or mischief.
const MOST: usize = 1_000;

/// What operators have ordered for one cluster, and what of it holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Given {
    /// The whole cluster is held, and why.
    pub hold: Option<String>,
    /// These members are held, and why.
    pub held: BTreeMap<String, String>,
    /// These nodes are gone for good.
    pub forget: BTreeSet<String>,
    /// How often something was acknowledged, of which losses, and how many members are enough.
    pub acknowledged: Option<(u64, u64, usize)>,
    /// These members are to be free of data.
    pub drains: BTreeSet<String>,
    /// What is wished for while the cluster runs.
    pub wishes: BTreeMap<String, String>,
}

/// There are too many orders already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("found {MOST} of them already; allowed: {MOST}; resume what need not be held")]
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
            Order::Hold { member: None, .. }
            | Order::Resume { .. }
            | Order::Forgotten { .. }
            | Order::Acknowledge { .. } => false,
        };
        if full { Err(TooMany) } else { Ok(()) }
    }

    /// Obeys from now on; whether that changes anything. One for which there is no room
    /// is not heeded, by nobody.
    pub fn obey(&mut self, order: Order) -> bool {
        if self.room(&order).is_err() {
            return false;
        }
        match order {
            Order::Hold { member: None, why } => self.hold.replace(why.clone()) != Some(why),
            Order::Hold {
                member: Some(member),
                why,
            } => self.held.insert(member, why.clone()) != Some(why),
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
            Order::Acknowledge { losses, members } => {
                let before = self.acknowledged.map_or(0, |(number, _, _)| number);
                self.acknowledged = Some((before + 1, losses, members));
                true
            }
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

    /// What is held, as orders: holding is the careful side, so it outlives a group.
    pub(crate) fn holds(&self, cluster: &str) -> Vec<Ordered> {
        let held = self
            .held
            .iter()
            .map(|(member, why)| (Some(member.clone()), why));
        let all = self.hold.iter().map(|why| (None, why)).chain(held);
        let order = |(member, why): (Option<String>, &String)| Ordered {
            cluster: cluster.to_owned(),
            who: None,
            at_ms: 0,
            order: Order::Hold {
                member,
                why: why.clone(),
            },
        };
        all.map(order).collect()
    }

    /// Whether nothing is ordered.
    pub fn is_empty(&self) -> bool {
        *self == Given::default()
    }
}
