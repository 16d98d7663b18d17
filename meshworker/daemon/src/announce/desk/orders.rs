//! Whom an operator's order has leave, as one worker tells all.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

use super::roll::Roll;
use super::{Desk, EXPIRES, MOST_MEMBERS, Refused};
use crate::announce::{Order, Verdict};
use meshworker_core::{MemberId, Place};

/// An order that is told here, each time anew.
#[derive(Debug)]
pub(super) struct Ordered {
    /// When it was told first.
    since: Instant,
    /// When it was told last.
    renewed: Instant,
    /// Whether a worker told it.
    by_worker: bool,
    /// Whom it is about.
    member: MemberId,
    /// Whether that member goes on running.
    drain: bool,
}

impl Ordered {
    /// Until when it holds, unless it is told again.
    pub(super) fn expires(&self) -> Instant {
        self.renewed + EXPIRES
    }
}

impl Desk {
    /// Notes an order, and says whether that member may stop by now: none while no pass
    /// has looked since it was told first.
    ///
    /// # Errors
    ///
    /// Whoever tells it may not order that, or it is one too many.
    pub fn order(
        &self,
        order: &Order,
        by_worker: bool,
        now: Instant,
    ) -> Result<Option<Verdict>, Refused> {
        let mut inner = self.at(now);
        if let Err(refused) = inner.may_order(order, by_worker) {
            return Err(self.refuse(&mut inner, (order.member(), order.place()), refused));
        }
        if !inner.orders.contains_key(&order.place()) {
            self.tell();
        }
        let before = inner.orders.get(&order.place());
        let since = before.map_or(now, |before| before.since);
        let ordered = Ordered {
            since,
            renewed: now,
            by_worker,
            member: order.member(),
            drain: order.drain,
        };
        inner.orders.insert(order.place(), ordered);
        let findings = inner.findings.as_ref().filter(|findings| {
            findings.stale(now).is_none()
                && findings.looked_after(since)
                && findings.hold_under(&self.authority())
        });
        Ok(findings.and_then(|findings| findings.verdict(order.member(), order.place())))
    }

    /// The members that are ordered to leave, by their addresses.
    pub fn ordered(&self, now: Instant) -> BTreeMap<Place, MemberId> {
        let inner = self.at(now);
        let orders = inner.orders.iter();
        orders.map(|(at, one)| (*at, one.member.clone())).collect()
    }

    /// Who is ordered to be free of data, and goes on running.
    pub fn drained(&self, now: Instant) -> BTreeSet<String> {
        let inner = self.at(now);
        let drains = inner.orders.values().filter(|one| one.drain);
        drains.map(|one| one.member.to_string()).collect()
    }
}

impl Roll {
    /// A member's own word ends what others than workers ordered while nobody spoke for it.
    pub(super) fn speaks_for_itself(&mut self, place: Place) {
        self.orders
            .retain(|at, order| *at != place || order.by_worker);
    }

    /// Others than workers order only what nobody there contradicts: the address is one
    /// that a witness lists, and no member speaks for it.
    fn may_order(&self, order: &Order, by_worker: bool) -> Result<(), Refused> {
        let address = order.place();
        if self.orders.len() >= MOST_MEMBERS && !self.orders.contains_key(&address) {
            return Err(Refused::Full(MOST_MEMBERS));
        }
        if by_worker {
            return Ok(());
        }
        let mut there = self.members.values();
        if let Some(entry) = there.find(|entry| entry.said.place() == address) {
            return Err(super::claim::taken(address, entry));
        }
        let vouched = self.findings.as_ref();
        match vouched.is_some_and(|findings| findings.vouched(order.address)) {
            true => Ok(()),
            false => Err(Refused::Elsewhere { address }),
        }
    }
}
