//! Who was heard where.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use meshworker_core::Moment;

use crate::{GroupId, Hello, StoreId};

/// So many stores are remembered: more workers are a mistake, or mischief.
const MOST: usize = 64;

/// Whoever was not heard for so long is not there now. Hellos come twice a second.
pub(crate) const FRESH: Duration = Duration::from_millis(1_600);

/// Who was heard where, and when. None of it is stored: after a restart it is whole again
/// within a second.
#[derive(Debug, Clone, Default)]
pub struct Book {
    stores: BTreeMap<StoreId, Heard>,
}

/// What was heard of a store.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    pub(crate) hello: Hello,
    pub(crate) said: Moment,
    /// Anything at all, letters too.
    pub(crate) at: Moment,
    pub(crate) leaving_since: Option<Moment>,
    /// Since when it is in the group that it says.
    pub(crate) grouped: Moment,
    /// Where it answered.
    pub(crate) address: Option<IpAddr>,
}

impl Book {
    /// Notes what a worker said; with an address, what it answered there.
    pub fn hear(&mut self, hello: Hello, address: Option<IpAddr>, now: Moment) {
        if let Some(address) = address {
            // One address, one worker: whoever had it before is elsewhere, or gone.
            for heard in self.stores.values_mut() {
                heard.address = heard.address.filter(|known| *known != address);
            }
        }
        let before = self.stores.get(&hello.store);
        let leaving = before.and_then(|heard| heard.leaving_since);
        let address = address.or_else(|| before.and_then(|heard| heard.address));
        let same = before.filter(|heard| heard.hello.group == hello.group);
        let grouped = same.map_or(now, |heard| heard.grouped);
        let leaving_since = hello.leaving.then(|| leaving.unwrap_or(now));
        let heard = Heard {
            said: now,
            at: now,
            leaving_since,
            grouped,
            address,
            hello,
        };
        self.stores.insert(heard.hello.store, heard);
        if self.stores.len() > MOST {
            let oldest = self.stores.iter().min_by_key(|(_, heard)| heard.at);
            if let Some(oldest) = oldest.map(|(store, _)| *store) {
                self.stores.remove(&oldest);
            }
        }
    }

    /// Notes that a letter of this store came.
    pub(crate) fn heard_from(&mut self, store: StoreId, now: Moment) {
        if let Some(heard) = self.stores.get_mut(&store) {
            heard.at = now;
        }
    }

    /// Where this store answered last.
    pub fn address(&self, store: StoreId) -> Option<IpAddr> {
        self.stores.get(&store)?.address
    }

    pub(crate) fn get(&self, store: StoreId) -> Option<&Heard> {
        self.stores.get(&store)
    }

    /// Whoever answered at this address a moment ago.
    pub(crate) fn at(&self, address: IpAddr, now: Moment) -> Option<&Hello> {
        let mut there = self.fresh(now);
        let there = there.find(|heard| heard.address == Some(address));
        there.map(|heard| &heard.hello)
    }

    /// All that said something of themselves a moment ago.
    pub(crate) fn fresh(&self, now: Moment) -> impl Iterator<Item = &Heard> {
        let stores = self.stores.values();
        stores.filter(move |heard| now.since(heard.said) < FRESH)
    }

    /// Another group than this one that is there now, and how it looks: of several one that
    /// is led, and the biggest.
    pub(crate) fn another_group(&self, than: Option<GroupId>, now: Moment) -> Option<&Hello> {
        let hellos = self.fresh(now).map(|heard| &heard.hello);
        let others = hellos.filter(|hello| hello.group.is_some() && hello.group != than);
        others.max_by_key(|hello| (hello.leader.is_some(), hello.weight()))
    }
}
