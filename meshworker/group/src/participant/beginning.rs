//! How a worker comes to a group: it finds one, founds one, or goes on from one that has ended.

use std::collections::BTreeSet;
use std::time::Duration;

use meshworker_core::Moment;

use super::{Names, Participant, YOUNG, rank};
use crate::{
    Command, Founding, Given, GroupId, Hello, Ordered, Replica, Save, Saved, Seat, Seeker, Store,
    StoreFailed, StoreId, founding,
};

/// Whoever could lead leads within this time.
const ELECTED: Duration = Duration::from_secs(3);

/// Whoever has no vote waits so long for its group before it goes to another one.
const DESERTED: Duration = Duration::from_secs(60);

impl Participant {
    /// What a group of this store alone begins with, on an operator's word: a majority of its
    /// own is lost. All that this store has heard is in it, also what it does not know to be
    /// agreed on: somebody may have been told so by those who are lost.
    ///
    /// # Errors
    ///
    /// Why there is no need, or no way: for the operator.
    pub fn restarted(&self, store: StoreId, group: GroupId) -> Result<Saved, String> {
        let replica = self.replica.as_ref();
        let replica = replica.ok_or("this worker is in no group, so it lost none")?;
        if let Some(leader) = replica.leader() {
            let leader = self.who(leader);
            return Err(format!("its group is led by {leader}: nothing is lost"));
        }
        replica
            .alone_as(store, group)
            .map_err(|why| why.to_string())
    }

    /// What it goes on with in memory once its store cannot be written any more: all that it
    /// knows, in a group of this store alone. None where others count on what it has promised.
    pub fn alone(&self, store: StoreId, group: GroupId) -> Option<Saved> {
        match &self.replica {
            None => Some(Saved {
                bequest: self.bequest.clone(),
                ..Saved::empty(store)
            }),
            Some(replica) if replica.counted().iter().eq([&self.store]) => {
                replica.alone_as(store, group).ok()
            }
            Some(_) => None,
        }
    }

    /// Its store ends with it from now on.
    pub fn is_not_kept(&mut self) {
        self.me.kept = false;
    }

    /// Goes on with another store: its own was emptied, or an operator made a group of it.
    ///
    /// # Errors
    ///
    /// What was kept makes no sense.
    pub fn reopen(
        &mut self,
        saved: Saved,
        store: &mut dyn Store,
        now: Moment,
    ) -> Result<(), StoreFailed> {
        store.save(&saved.anew())?;
        let new = Participant::open(self.me.clone(), saved, now)?;
        *self = Participant {
            listing: std::mem::take(&mut self.listing),
            wanted: self.wanted,
            blind: self.blind,
            sighted: self.sighted,
            ..new
        };
        Ok(())
    }

    /// Up to which entry it knows what its group had, if nobody leads it any more since all
    /// of its workers ended, or the only one that voted is gone: of several workers that
    /// became one, that one starts wherever Swarm likes, beside what another one had left.
    pub(super) fn knows(&self, now: Moment) -> u64 {
        let deserted = self
            .deserted
            .is_some_and(|since| now.since(since) >= DESERTED);
        let ended = |replica: &&Replica| {
            let orphan = deserted && replica.counted().len() == 1;
            replica.leader().is_none() && (replica.machine().ended || orphan)
        };
        self.replica
            .as_ref()
            .filter(ended)
            .map_or(0, Replica::applied)
    }

    /// All workers of its group had ended, and fewer are back than it takes to lead it: one of
    /// them goes on from there, alone at first, in a group of another name.
    pub(super) fn succeed(
        &mut self,
        store: &mut dyn Store,
        names: Names<'_>,
        now: Moment,
    ) -> Result<(), StoreFailed> {
        let knows = self.knows(now);
        let Some(replica) = self.replica.as_ref().filter(|_| knows > 0) else {
            return Ok(());
        };
        if self.leaving.is_some() || now.since(self.woke) < ELECTED {
            return Ok(());
        }
        let group = replica.group();
        let voters = replica.counted();
        let here = self.book.fresh(now).map(|heard| &heard.hello);
        let here = here.filter(|hello| hello.group == Some(group));
        let here: BTreeSet<StoreId> = here.map(|hello| hello.store).chain([self.store]).collect();
        let they_lead = 2 * voters.intersection(&here).count() > voters.len();
        let seeker = self.seeker(Some(group), knows);
        let alone = founding(&seeker, &self.listing, &self.book, now);
        if they_lead || alone != Founding::Found {
            return Ok(());
        }
        let machine = replica.machine().clone().inherited(group, knows);
        let fresh = StoreId(names());
        let save = Replica::founding(fresh, GroupId(names()), Some(&machine))?;
        self.store = fresh;
        self.young = true;
        self.begin(&save, store, now)
    }

    /// An operator knows that it is the one to go on.
    pub fn is_meant(&mut self) {
        self.young = false;
    }

    fn seeker(&self, ended: Option<GroupId>, knows: u64) -> Seeker<'_> {
        Seeker {
            seat: &self.me.seat,
            first: self.me.first,
            ended,
            knows,
            woke: self.woke,
        }
    }

    /// Looks for a group, and founds one if it may.
    pub(super) fn seek(
        &mut self,
        store: &mut dyn Store,
        names: Names<'_>,
        now: Moment,
    ) -> Result<(), StoreFailed> {
        match founding(&self.seeker(None, 0), &self.listing, &self.book, now) {
            Founding::Found => {
                let save = Replica::founding(self.store, GroupId(names()), None)?;
                self.young = true;
                self.begin(&save, store, now)
            }
            Founding::Join(group) => {
                self.waits = format!("group {group} has not let it in yet");
                Ok(())
            }
            Founding::Wait(why) => {
                self.waits = why;
                Ok(())
            }
        }
    }

    pub(super) fn begin(
        &mut self,
        save: &Save,
        store: &mut dyn Store,
        now: Moment,
    ) -> Result<(), StoreFailed> {
        store.save(save)?;
        self.joined = now;
        let mut saved = Saved::empty(self.store);
        saved.keep(save);
        self.replica = Some(Replica::open(
            saved,
            rank(&self.me.seat),
            self.me.tempo,
            now,
        )?);
        Ok(())
    }

    /// A group is grown up once most of those that there are meant to be are in it; where nobody
    /// could know how many, after a while. Then that is written down: whoever restarts knows it.
    pub(super) fn grow_up(&mut self, now: Moment) {
        let Some(replica) = &self.replica else {
            return;
        };
        let known = replica.machine().grown_up;
        if known && !self.young || self.led.is_none() {
            return;
        }
        // Whoever is in step has its group's name on its disk.
        let members = replica.voters().union(replica.learners());
        let members =
            members.filter(|store| **store == self.store || self.in_step.contains_key(store));
        let seats: Vec<Seat> = members
            .map(|store| self.standing(*store, now).seat)
            .collect();
        let nodes: BTreeSet<_> = seats
            .iter()
            .map(|seat| (&seat.node, seat.node.is_none().then_some(seat.slot)))
            .collect();
        let grown_up = match self.wanted {
            // Of two such majorities, on different machines, each has one that the other has.
            Some(wanted) => 2 * nodes.len() > wanted || seats.len() >= wanted,
            None => replica.voters().len() > 1 || now.since(self.joined) >= YOUNG,
        };
        if !grown_up {
            return;
        }
        self.young = false;
        if !known && let Some(replica) = &mut self.replica {
            // What is not taken now is said again.
            let _ = replica.propose(&Command::GrownUp);
        }
    }

    /// Two workers that each founded out of the other's sight become one group again: the
    /// one with less in its log, of those that nobody else votes in, gives its own up. And
    /// whoever has no vote in a group that is there no more does, once it sees another one.
    pub(super) fn gives_up(&mut self, now: Moment) -> Option<Vec<Ordered>> {
        let replica = self.replica.as_ref()?;
        let other = self.book.another_group(Some(replica.group()), now);
        let votes = replica.voters().contains(&self.store);
        let mut ours = self.book.fresh(now).map(|heard| &heard.hello);
        let voter = |hello: &Hello| replica.voters().contains(&hello.store);
        let deserted = !votes && replica.leader().is_none() && !ours.any(voter);
        let since = *self.deserted.get_or_insert(now);
        if !deserted {
            self.deserted = None;
        }
        let other = other.filter(|other| other.leader.is_some())?;
        let alone = votes && replica.counted().len() == 1;
        let mine = (!self.young, false, replica.last(), Some(replica.group()));
        // The group that it knew ended without it, and that one goes on from there.
        let outlived = other.heir_of == Some(replica.group()) && replica.leader().is_none();
        let gives_way = alone && mine < other.weight();
        let lost = deserted && now.since(since) >= DESERTED;
        if !gives_way && !lost && !outlived {
            return None;
        }
        let orders = &replica.machine().orders;
        let bequest = |(cluster, given): (&String, &Given)| given.bequest(cluster);
        let ours = orders.iter().flat_map(bequest);
        Some(self.bequest.iter().cloned().chain(ours).collect())
    }
}
