//! Whom the one that leads lets vote.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use meshworker_core::Moment;

use super::Participant;
use crate::{Command, Decision, Hello, Picture, Replica, Shift, Standing, StoreId, decide};

/// A leader's log is this far ahead of one that is in step, at the most.
pub const IN_STEP: u64 = 64;

impl Participant {
    /// An operator wants this store out of the group.
    ///
    /// # Errors
    ///
    /// It is not in it, leads it, or is there: it would come back at once.
    pub fn remove(&mut self, store: StoreId, now: Moment) -> Result<(), String> {
        let who = self.who(store);
        if store == self.store {
            return Err(format!(
                "{who} acts: have another one act first, with `meshworker group hand-over`"
            ));
        }
        if !self.is_member(store) {
            return Err(format!("{who} is not in the group"));
        }
        let group = self.replica.as_ref().map(Replica::group);
        let back =
            |hello: &Hello| hello.store == store && hello.group.is_none_or(|of| Some(of) == group);
        if self.heard(now).any(back) {
            return Err(format!(
                "{who} answers, and would come back at once: stop it first, or scale the service down"
            ));
        }
        self.removed.insert(store);
        Ok(())
    }

    /// Whether this store votes or learns.
    pub fn is_member(&self, store: StoreId) -> bool {
        let replica = self.replica.as_ref();
        replica.is_some_and(|one| one.counted().contains(&store) || one.learners().contains(&store))
    }

    /// Thinks about who is to vote, as the leader.
    pub(super) fn think(&mut self, now: Moment) {
        let Some(replica) = self.replica.as_ref().filter(|replica| replica.is_leader()) else {
            self.decision = Decision::default();
            return;
        };
        let group = replica.group();
        let members: BTreeSet<StoreId> = replica
            .voters()
            .union(replica.learners())
            .copied()
            .collect();
        // Whoever is out of the group may come back.
        self.removed.retain(|store| members.contains(store));
        let new = self
            .book
            .fresh(now)
            .filter(|heard| heard.hello.group.is_none_or(|of| of == group));
        let new = new.map(|heard| heard.hello.store);
        let all: BTreeSet<StoreId> = members.iter().copied().chain(new).collect();
        for store in &all {
            let near = replica.lag(*store).is_some_and(|lag| lag <= IN_STEP);
            match near {
                true => drop(self.in_step.entry(*store).or_insert(now)),
                false => drop(self.in_step.remove(store)),
            }
        }
        self.in_step.retain(|store, _| all.contains(store));
        let stores: BTreeMap<StoreId, Standing> = all
            .iter()
            .map(|store| (*store, self.standing(*store, now)))
            .collect();
        let Some(replica) = &mut self.replica else {
            return;
        };
        let decision = decide(&Picture {
            me: self.store,
            voters: replica.voters(),
            learners: replica.learners(),
            stores: &stores,
            changing: replica.is_changing(),
            changed: self.changed,
            removed: &self.removed,
            preferred: stores
                .iter()
                .find(|(_, one)| self.me.prefers(&one.seat))
                .map(|(store, _)| *store),
            now,
        });
        match &decision.change {
            Some(Shift::Members { voters, learners }) => {
                let newcomers = learners.iter().filter(|store| !members.contains(store));
                let seats: Vec<_> = newcomers
                    .filter_map(|store| Some((*store, stores.get(store)?.seat.clone())))
                    .collect();
                let (voters, learners) = (voters.clone(), learners.clone());
                if replica.change(&voters, &learners).is_ok() {
                    for (store, seat) in seats {
                        let _ = replica.propose(&Command::Seat(store, seat));
                    }
                }
            }
            Some(Shift::HandOver(to)) => replica.hand_over(*to, now),
            None => {}
        }
        self.decision = decision;
    }

    pub(super) fn standing(&self, store: StoreId, now: Moment) -> Standing {
        let heard = self.book.get(store);
        let seats = self
            .replica
            .as_ref()
            .map(|replica| &replica.machine().seats);
        let seat = heard.map(|heard| heard.hello.seat.clone());
        let seat = seat.or_else(|| seats?.get(&store).cloned());
        let me = store == self.store;
        Standing {
            seat: if me {
                self.me.seat.clone()
            } else {
                seat.unwrap_or_default()
            },
            kept: if me {
                self.me.kept
            } else {
                heard.is_none_or(|heard| heard.hello.kept)
            },
            unheard: if me {
                Duration::ZERO
            } else {
                self.unheard_by_all(store, now)
            },
            in_step: self.in_step.get(&store).copied(),
            leaving: if me {
                self.leaving
            } else {
                heard.and_then(|heard| heard.leaving_since)
            },
            gone: self.listing.whole
                && !self
                    .book
                    .address(store)
                    .is_some_and(|at| self.listing.others.contains(&at)),
        }
    }

    /// For how long this worker has not heard that store as one of its group.
    pub(super) fn unheard(&self, store: StoreId, now: Moment) -> Duration {
        let group = self.replica.as_ref().map(Replica::group);
        let at = self.book.get(store).map_or(self.woke, |heard| {
            let elsewhere = heard.hello.group.is_some() && heard.hello.group != group;
            if elsewhere { heard.grouped } else { heard.at }
        });
        now.since(at)
    }

    /// For how long none of those that vote and are there has heard it.
    fn unheard_by_all(&self, store: StoreId, now: Moment) -> Duration {
        let mut least = self.unheard(store, now);
        let Some(replica) = &self.replica else {
            return least;
        };
        for heard in self.book.fresh(now) {
            let hello = &heard.hello;
            if hello.store == store || !replica.voters().contains(&hello.store) {
                continue;
            }
            let theirs = hello.unheard.get(&store).copied().unwrap_or_default();
            least = least.min(Duration::from_millis(theirs));
        }
        least
    }
}
