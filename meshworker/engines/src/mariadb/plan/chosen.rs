//! Which members are to be the primary, and which are not: by what operators wish and order.

use std::collections::BTreeSet;

use meshworker_core::{Forced, Member, MemberId, Situation};

use super::Rules;
use super::slot::{server_of, slot};
use crate::mariadb::detail::Detail;
use crate::mariadb::{FORBIDDEN, NONE, PREFERRED};

/// Which members are to be the primary, and which are not, by their slots.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chosen {
    /// The one that is to be it whenever it can.
    pub wished: Option<u32>,
    /// Those of which one is to be it, if any of them can.
    pub preferred: BTreeSet<u32>,
    /// Those that never become it.
    pub forbidden: BTreeSet<u32>,
    /// Those that neither become it nor give it away by themselves.
    pub downtime: BTreeSet<u32>,
    /// The one whose place is to be taken, by an operator's order.
    pub deposed: Option<u32>,
    /// Those that are lost for good, by the same order.
    pub lost: BTreeSet<u32>,
}

impl Chosen {
    /// What is wished for and ordered of these members.
    pub fn of(rules: &Rules, situation: &Situation<'_, Detail>) -> Chosen {
        let orders = situation.orders;
        let members = || situation.roster.members().iter();
        let those = |is: &dyn Fn(&Member) -> bool| -> BTreeSet<u32> {
            members().filter(|one| is(one)).filter_map(slot).collect()
        };
        let listed = |name: &str, usual: &str| {
            let words = orders.wishes.get(name).unwrap_or(usual);
            let words: BTreeSet<&str> = words.split(',').map(str::trim).collect();
            those(&|member| is_listed(&words, member))
        };
        Chosen {
            wished: (orders.wishes.number(crate::PRIMARY))
                .or(rules.primary)
                .and_then(|slot| server_of(u64::try_from(slot).ok()?)),
            preferred: listed(PREFERRED, &rules.preferred),
            forbidden: listed(FORBIDDEN, &rules.forbidden),
            downtime: those(&|one| orders.downtime_of(&one.id, one.address).is_some()),
            deposed: None,
            lost: BTreeSet::new(),
        }
    }

    /// The same, and what is ordered of the primary of this term: an order means no other one.
    pub fn ordered(mut self, situation: &Situation<'_, Detail>, term: u64) -> Chosen {
        let is_meant = |forced: &&Forced| {
            forced.from.is_none() || forced.term.is_none_or(|meant| meant == term)
        };
        let Some(forced) = situation.orders.forced.as_ref().filter(is_meant) else {
            return self;
        };
        let called = |name: &String| {
            let mut members = situation.roster.members().iter();
            let member = members.find(|member| member.id.to_string() == *name);
            member.and_then(slot)
        };
        self.deposed = forced.from.as_ref().and_then(called);
        self.lost = forced.lost.iter().filter_map(called).collect();
        self
    }

    /// The same, where who is wished for is none of these: then nobody is.
    pub fn among(mut self, can: impl Fn(u32) -> bool) -> Chosen {
        let may = |server: &u32| self.against(*server).is_none() && can(*server);
        self.wished = self.wished.filter(may);
        self
    }

    /// Why this one may not become the primary.
    pub fn against(&self, server: u32) -> Option<&'static str> {
        if self.forbidden.contains(&server) {
            return Some("it is forbidden");
        }
        (self.downtime.contains(&server)).then_some("it is on downtime")
    }

    /// Whether this one is to have the place of this primary, which is well.
    pub fn succeeds(&self, primary: u32, server: u32) -> bool {
        if server == primary || self.against(server).is_some() {
            return false;
        }
        if let Some(wished) = self.wished {
            return wished == server;
        }
        // It gives its place to somebody who asks for it, and to nobody else.
        if self.downtime.contains(&primary) {
            return false;
        }
        let moves = !self.preferred.is_empty() && !self.preferred.contains(&primary);
        self.forbidden.contains(&primary) || (moves && self.preferred.contains(&server))
    }

    /// How much this one is to be the primary, of those that have the same.
    pub fn merit(&self, server: u32) -> (bool, bool, bool) {
        (
            self.against(server).is_none(),
            self.wished == Some(server),
            self.preferred.contains(&server),
        )
    }
}

/// Whether these words name this member: by its slot's number, or by the swarm node that it
/// runs on.
fn is_listed(words: &BTreeSet<&str>, member: &Member) -> bool {
    let number = match member.id {
        MemberId::Slot { slot, .. } => Some(slot.to_string()),
        MemberId::Address(_) => None,
    };
    let name = member.node_name.as_ref().map(ToString::to_string);
    let mut own = [number, name, member.node.clone()].into_iter().flatten();
    own.any(|own| own != NONE && words.contains(own.as_str()))
}
