//! Other routers: what they tell, and what is left of those that are lost.

use std::collections::BTreeSet;
use std::time::Duration;

use meshworker_core::Moment;

use super::{Effect, Router, RouterId};
use crate::{Address, Change, Gone, Name};

/// What a lost router had registered is told for so long: its members come to another one,
/// or to it once it is back, after `reconnect_interval`, which is 10 s at most as it is
/// shipped.
const KEPT: Duration = Duration::from_secs(30);

/// Another router.
#[derive(Debug, Default)]
pub(super) struct Other {
    /// Since when it is lost.
    pub(super) lost: Option<Moment>,
    /// What it has named since it began to tell all of it.
    telling: Option<BTreeSet<(Name, Address)>>,
    /// It had more than there was room for: it must tell all of it anew.
    over: bool,
}

impl Router {
    /// Another router begins to tell what it has. Whether there is room for it.
    pub fn met(&mut self, router: RouterId) -> bool {
        if !self.others.contains_key(&router) && self.others.len() >= self.limits.routers {
            // Whoever ends and begins again and again is somebody else each time.
            let lost = self.others.iter();
            let lost = lost.filter_map(|(id, other)| Some((other.lost?, *id)));
            let Some((_, longest)) = lost.min() else {
                return false;
            };
            self.forget(longest, |_, _| true);
            self.others.remove(&longest);
        }
        let other = self.others.entry(router).or_default();
        *other = Other {
            telling: Some(BTreeSet::new()),
            ..Other::default()
        };
        true
    }

    /// Another router says this of its registrations.
    pub fn told(&mut self, now: Moment, router: RouterId, change: Change) -> Vec<Effect> {
        let Some(other) = self.others.get_mut(&router) else {
            return Vec::new();
        };
        match change {
            Change::Registered(group, member) => {
                if let Some(telling) = &mut other.telling {
                    telling.insert((group.clone(), member.address.clone()));
                }
                if !self.put(now, &group, member, Err(router))
                    && let Some(other) = self.others.get_mut(&router)
                {
                    other.over = true;
                }
                Vec::new()
            }
            Change::Gone {
                group,
                address,
                how: Gone::Left,
            } => self.nowhere(&group, &address),
            Change::Gone {
                group,
                address,
                how,
            } => match self.take(&group, &address, Err(router)) && how == Gone::Lost {
                true => self.suspect(&group, &address),
                false => Vec::new(),
            },
        }
    }

    /// Another router has told all that it has: whatever else it had is gone.
    pub fn whole(&mut self, router: RouterId) {
        let other = self.others.get_mut(&router);
        if let Some(named) = other.and_then(|other| other.telling.take()) {
            self.forget(router, |group, address| {
                !named.contains(&(group.clone(), address.clone()))
            });
        }
    }

    /// Those who had more than there was room for, where there is room now: they are to tell
    /// all of it anew.
    pub fn missed(&self) -> Vec<RouterId> {
        if self.members >= self.limits.members || self.groups.len() >= self.limits.groups {
            return Vec::new();
        }
        let over = self.others.iter().filter(|(_, other)| other.over);
        over.map(|(id, _)| *id).collect()
    }

    /// There is a way to another router.
    pub fn reached(&mut self, router: RouterId) {
        self.reached.insert(router);
    }

    /// There is none any more.
    pub fn unreached(&mut self, router: RouterId) {
        self.reached.remove(&router);
    }

    /// Nothing is heard of another router any more.
    pub fn lost(&mut self, now: Moment, router: RouterId) {
        if let Some(other) = self.others.get_mut(&router) {
            other.lost.get_or_insert(now);
        }
    }

    /// Forgets what routers had that are lost for too long.
    pub fn tidy(&mut self, now: Moment) {
        let over = |other: &Other| other.lost.is_some_and(|since| now.since(since) >= KEPT);
        let over = self.others.iter().filter(|(_, other)| over(other));
        let over: Vec<RouterId> = over.map(|(id, _)| *id).collect();
        for router in over {
            self.forget(router, |_, _| true);
            self.others.remove(&router);
        }
    }

    /// Whatever this router had of these is gone, and nobody is suspected.
    fn forget(&mut self, router: RouterId, which: impl Fn(&Name, &Address) -> bool) {
        let all = self.groups.iter().flat_map(|(name, group)| {
            let its = group.members.iter();
            let its = its.filter(|(_, one)| one.routers.contains(&router));
            its.map(move |(address, _)| (name.clone(), address.clone()))
        });
        let gone: Vec<_> = all.filter(|(name, address)| which(name, address)).collect();
        for (name, address) in gone {
            self.take(&name, &address, Err(router));
        }
    }
}
