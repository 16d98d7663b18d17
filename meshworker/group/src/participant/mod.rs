//! One worker among those of its service.

mod beginning;
mod going;
mod voters;

pub use voters::IN_STEP;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use meshworker_core::{Authority, Fence, Moment};

use crate::book::FRESH;
use crate::replica::Applied;
use crate::{
    Book, Command, Decision, GroupId, Hello, Letter, Listing, Machine, NotProposed, Ordered,
    Outcome, Replica, Save, Saved, Seat, Store, StoreFailed, StoreId, Tempo,
};

/// So often the leader thinks about who is to vote.
const THINK: Duration = Duration::from_millis(100);

/// After all of them were off at once the first slot may be the first to be back, elsewhere,
/// and know nothing of its group: for so long whoever founds does nothing that harms.
const YOUNG: Duration = Duration::from_secs(10);

/// An act may be made for so long after its intent was committed, whatever it says.
pub const MOST_FOR: Duration = Duration::from_secs(2);

/// A line that this worker proposed: it is committed when an entry of this number and term
/// is applied, and lost when one of this number and another term is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket {
    /// Its number.
    pub index: u64,
    /// The leader's term.
    pub term: u64,
}

/// Draws a number at random, never 0 and never twice: what is new is called so.
pub type Names<'a> = &'a mut dyn FnMut() -> u64;

/// What came of a moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Effects {
    /// To be sent; a lost one is said again.
    pub letters: Vec<Letter>,
    /// What all have agreed on.
    pub applied: Vec<Applied>,
    /// Whether its store is to be emptied, and it is to begin anew with another one: its
    /// group is none any more. With what its operators had ordered, for the other group.
    pub gives_up: Option<Vec<Ordered>>,
}

/// What a worker knows of itself before it has heard anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Me {
    /// Where it runs.
    pub seat: Seat,
    /// Whether its slot is the service's first one: it founds at once.
    pub first: bool,
    /// Whether its store outlives it.
    pub kept: bool,
    /// Who is to lead if it can: a slot, or a node's name.
    pub preferred: Option<String>,
    /// How long a leader counts on others.
    pub tempo: Tempo,
}

/// One worker among those of its service: finds its group or founds it, takes part in its
/// log, and knows when it may act.
#[derive(Debug)]
pub struct Participant {
    me: Me,
    store: StoreId,
    /// Where another worker runs that has the same store, and when it was heard last.
    twin: Option<(Seat, Moment)>,
    listing: Listing,
    removed: BTreeSet<StoreId>,
    book: Book,
    woke: Moment,
    leaving: Option<Moment>,
    replica: Option<Replica>,
    waits: String,
    decision: Decision,
    thought: Moment,
    changed: Moment,
    led: Option<Fence>,
    led_since: Moment,
    in_step: BTreeMap<StoreId, Moment>,
    /// How many workers there are meant to be, as whoever can say so said last.
    wanted: Option<usize>,
    /// Since when whoever can say so is not reached, and when it was after it had not been for
    /// long: others are met after a while.
    blind: Option<Moment>,
    sighted: Option<Moment>,
    /// Since when it is in its group.
    joined: Moment,
    /// Whether it founded its group, or woke as the only one that votes in it, and has not seen
    /// since that the group is grown up.
    young: bool,
    /// Since when this worker's group has neither a leader nor, in sight, anybody who votes.
    deserted: Option<Moment>,
    /// What it said last of whether all are about to end.
    ended: Option<bool>,
    /// What the operators of a group that it gave up had ordered, for the one that it is in.
    bequest: Vec<Ordered>,
}

impl Participant {
    /// A worker that wakes with this store.
    ///
    /// # Errors
    ///
    /// What was kept makes no sense.
    pub fn open(me: Me, saved: Saved, now: Moment) -> Result<Participant, StoreFailed> {
        let (store, bequest) = (saved.store, saved.bequest.clone());
        let replica = match saved.group {
            Some(_) => Some(Replica::open(saved, rank(&me.seat), me.tempo, now)?),
            None => None,
        };
        // Whoever votes alone leads as soon as it wakes, and others may have come together
        // while it was off.
        let alone = replica
            .as_ref()
            .is_some_and(|one| one.voters().iter().eq([&store]));
        Ok(Participant {
            me,
            store,
            twin: None,
            listing: Listing::default(),
            removed: BTreeSet::new(),
            book: Book::default(),
            woke: now,
            leaving: None,
            replica,
            waits: "it has just begun".into(),
            decision: Decision::default(),
            thought: now,
            changed: now,
            led: None,
            led_since: now,
            in_step: BTreeMap::new(),
            wanted: None,
            blind: None,
            sighted: None,
            joined: now,
            young: alone,
            deserted: None,
            ended: None,
            bequest,
        })
    }

    /// What it says of itself now.
    pub fn hello(&self, now: Moment) -> Hello {
        let replica = self.replica.as_ref();
        let sound = replica.filter(|_| self.unsound(now).is_none());
        let unheard = |replica: &Replica| {
            let others = replica.voters().union(replica.learners());
            let others = others.filter(|store| **store != self.store);
            let others = others.filter_map(|store| {
                let unheard = self.unheard(*store, now);
                (unheard >= FRESH).then_some((*store, millis(unheard)))
            });
            others.collect()
        };
        Hello {
            store: self.store,
            seat: self.me.seat.clone(),
            kept: self.me.kept,
            group: replica.map(Replica::group),
            leader: sound.and_then(Replica::leader),
            term: replica.map_or(0, Replica::term),
            last: replica.map_or(0, Replica::last),
            applied: replica.map_or(0, Replica::applied),
            voters: replica.map(Replica::counted).unwrap_or_default(),
            heir_of: replica.and_then(|replica| replica.machine().heir_of),
            knows: self.knows(now),
            awake: millis(now.since(self.woke)),
            young: self.young,
            leaving: self.leaving.is_some(),
            unheard: replica.map(unheard).unwrap_or_default(),
        }
    }

    /// Where the workers' name leads now.
    pub fn see(&mut self, listing: Listing, now: Moment) {
        if listing.blind {
            self.blind.get_or_insert(now);
        } else {
            let since = self.blind.take();
            if since.is_some_and(|since| now.since(since) >= YOUNG) {
                self.sighted = Some(now);
            }
            self.wanted = listing.wanted;
        }
        self.listing = listing;
    }

    /// Notes what another worker said; with an address, what it answered there.
    pub fn hear(&mut self, hello: Hello, address: Option<std::net::IpAddr>, now: Moment) {
        if hello.store != self.store {
            self.book.hear(hello, address, now);
        } else if hello.seat != self.me.seat {
            self.twin = Some((hello.seat, now));
        }
    }

    /// Why its store is not to be counted on, if so, and what an operator does: until then this
    /// worker neither votes nor acts.
    pub fn unsound(&self, now: Moment) -> Option<String> {
        let twin = self.twin.as_ref();
        if let Some((seat, _)) = twin.filter(|(_, said)| now.since(*said) < FRESH) {
            return Some(format!(
                "{seat} (task {}) has a copy of this worker's store, and would vote twice with it: \
                 stop one of the two and empty its folder, and it joins as a new one",
                seat.task
            ));
        }
        let lacks = self.replica.as_ref().is_some_and(Replica::lacks_entries);
        lacks.then(|| {
            "its store lacks what it had said it kept: it was put back to an earlier state. Stop \
             this worker and empty its folder, and it joins as a new one"
                .into()
        })
    }

    /// Hears a letter from whoever has proved to be a worker.
    ///
    /// # Errors
    ///
    /// What a store that is new here needs cannot be stored.
    pub fn receive(
        &mut self,
        letter: &Letter,
        store: &mut dyn Store,
        now: Moment,
    ) -> Result<(), StoreFailed> {
        self.book.heard_from(letter.from, now);
        if self.unsound(now).is_some() {
            return Ok(());
        }
        if self.replica.is_none() && letter.to == self.store {
            // Whoever writes to this very store has let it in.
            let save = Save {
                anew: Some(self.store),
                group: Some(letter.group),
                ..Save::default()
            };
            self.begin(&save, store, now)?;
        }
        if let Some(replica) = &mut self.replica {
            replica.hear(letter, now);
        }
        Ok(())
    }

    /// Whether it may act at this moment.
    pub fn authority(&self, now: Moment) -> Authority {
        if let Some(why) = self.unsound(now) {
            return Authority::Yielded(why);
        }
        let Some(replica) = &self.replica else {
            return Authority::Yielded(self.waits.clone());
        };
        if let Some(fence) = replica.fence(now).filter(|_| self.led.is_some()) {
            return Authority::Held(fence);
        }
        Authority::Yielded(match replica.leader() {
            Some(leader) if leader != self.store => self.who(leader),
            _ => "nobody leads: a majority of the workers' stores is not there".into(),
        })
    }

    /// Until when its authority is sure, whatever others say meanwhile: whoever alone votes
    /// cannot be contradicted before it has let somebody else in.
    pub fn held_until(&self) -> Moment {
        match &self.replica {
            Some(replica) if replica.counted().iter().eq([&self.store]) => Moment(Duration::MAX),
            Some(replica) => replica.lease_ends().unwrap_or_default(),
            None => Moment::default(),
        }
    }

    /// Why it may not announce an act that could do harm if two did such things, if it may not:
    /// it does not act, its group is not grown up, it is alone and cut off where it is not meant
    /// to be, or another group is in sight that acts.
    pub fn may_not_intend(&self, now: Moment) -> Option<String> {
        let replica = match (self.authority(now), &self.replica) {
            (Authority::Yielded(to), _) => return Some(format!("another worker acts: {to}")),
            (Authority::Held(_), None) => return Some(self.waits.clone()),
            (Authority::Held(_), Some(replica)) => replica,
        };
        if self.young || !replica.machine().grown_up {
            let why = "its group is young: others may be on their way, or have one of their own";
            return Some(why.into());
        }
        if replica.counted().len() == 1 {
            if let (Some(wanted @ 2..), Some(_)) = (self.wanted, self.blind) {
                return Some(format!(
                    "this worker is alone of {wanted}, and whoever could say why is not reached"
                ));
            }
            if self.sighted.is_some_and(|since| now.since(since) < YOUNG) {
                let why = "this worker is alone, and was cut off: others may have come";
                return Some(why.into());
            }
        }
        let mut hellos = self.book.fresh(now).map(|heard| &heard.hello);
        let other = |hello: &&Hello| {
            let other = hello.group.is_some_and(|group| group != replica.group());
            other && hello.leader.is_some()
        };
        let other = hellos.find(other)?;
        Some(format!(
            "{} is in another group, which acts, too",
            other.seat
        ))
    }

    /// Who that is, for people.
    pub fn who(&self, store: StoreId) -> String {
        let seats = self
            .replica
            .as_ref()
            .map(|replica| &replica.machine().seats);
        let seat = seats.and_then(|seats| seats.get(&store));
        let heard = self.book.get(store).map(|heard| &heard.hello.seat);
        match seat.or(heard) {
            Some(seat) => seat.to_string(),
            None => format!("store {store}"),
        }
    }

    /// Its part in the log, once it is in a group.
    pub fn replica(&self) -> Option<&Replica> {
        self.replica.as_ref()
    }

    /// What its group agreed on.
    pub fn machine(&self) -> Option<&Machine> {
        self.replica.as_ref().map(Replica::machine)
    }

    /// Who was heard.
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// Whoever said something of itself a moment ago.
    pub fn heard(&self, now: Moment) -> impl Iterator<Item = &Hello> {
        self.book.fresh(now).map(|heard| &heard.hello)
    }

    /// Whether somebody answered at this address a moment ago.
    pub fn answers_at(&self, address: std::net::IpAddr, now: Moment) -> bool {
        self.book.at(address, now).is_some()
    }

    /// Where that store's worker runs, as its group knows.
    pub fn seat(&self, store: StoreId) -> Option<Seat> {
        self.machine()?.seats.get(&store).cloned()
    }

    /// Another group than its own that is in sight.
    pub fn other_group(&self, now: Moment) -> Option<GroupId> {
        let own = self.replica.as_ref()?.group();
        self.book.another_group(Some(own), now)?.group
    }

    /// What it waits for while it is in no group.
    pub fn waits(&self) -> &str {
        &self.waits
    }

    /// What was decided last of who is to vote.
    pub fn decision(&self) -> &Decision {
        &self.decision
    }

    /// What the operators of a group that was given up had ordered, and is to be ordered in
    /// this one.
    pub fn bequest(&self) -> &[Ordered] {
        &self.bequest
    }

    /// It is ordered in this one.
    ///
    /// # Errors
    ///
    /// It cannot be stored.
    pub fn bequeathed(&mut self, store: &mut dyn Store) -> Result<(), StoreFailed> {
        self.bequest.clear();
        store.save(&Save {
            bequest: Some(Vec::new()),
            ..Save::default()
        })
    }

    /// Proposes a line for the log.
    ///
    /// # Errors
    ///
    /// Another one leads, or too much is on its way.
    pub fn propose(&mut self, command: &Command) -> Result<Ticket, NotProposed> {
        let replica = self.replica.as_mut().ok_or(NotProposed::NotLeader)?;
        let (index, term) = replica.propose(command)?;
        Ok(Ticket { index, term })
    }

    /// Hands the lead to another one.
    pub fn hand_over(&mut self, to: StoreId, now: Moment) {
        if let Some(replica) = &mut self.replica {
            replica.hand_over(to, now);
        }
    }

    /// Lets time pass, decides what is due, and stores what must be before it is said. A group
    /// or a store that begins anew gets a name of `names`.
    ///
    /// # Errors
    ///
    /// It cannot be stored: the worker is to end.
    pub fn settle(
        &mut self,
        store: &mut dyn Store,
        names: Names<'_>,
        now: Moment,
    ) -> Result<Effects, StoreFailed> {
        if self.unsound(now).is_some() {
            return Ok(Effects::default());
        }
        match self.replica {
            Some(_) => self.succeed(store, names, now)?,
            None => self.seek(store, names, now)?,
        }
        let Some(replica) = &mut self.replica else {
            return Ok(Effects::default());
        };
        replica.tick(now);
        let (letters, applied) = replica.settle(store)?;
        let mut effects = Effects {
            letters,
            applied,
            gives_up: None,
        };
        self.follow(&effects.applied, now);
        if now.since(self.thought) >= THINK {
            self.thought = now;
            self.grow_up(now);
            self.end(now);
            self.think(now);
            effects.gives_up = self.gives_up(now);
        }
        if let Some(replica) = &mut self.replica {
            let (letters, applied) = replica.settle(store)?;
            self.follow(&applied, now);
            effects.letters.extend(letters);
            effects.applied.extend(applied);
        }
        Ok(effects)
    }

    /// What a leader does once it leads: it says who it is, and withdraws what others left open.
    fn follow(&mut self, applied: &[Applied], now: Moment) {
        let Some(replica) = &mut self.replica else {
            return;
        };
        if applied.iter().any(|entry| entry.command.is_none()) {
            self.changed = now;
        }
        let fence = replica.fence(now);
        if !replica.is_leader() {
            (self.led, self.ended) = (None, None);
            self.in_step.clear();
            self.led_since = now;
            return;
        }
        let Some(fence) = fence else {
            return;
        };
        if self.led.is_some() {
            return;
        }
        let open: Vec<u64> = replica.machine().open.keys().copied().collect();
        let left: Vec<u64> = open.into_iter().filter(|open| *open < fence.0).collect();
        // What a predecessor was about to do may still be done until its time is over.
        if !left.is_empty() && now.since(self.led_since) < MOST_FOR {
            return;
        }
        for fence in left {
            let outcome = Outcome::Withdrawn;
            // What is not taken now is closed later.
            let _ = replica.propose(&Command::Close { fence, outcome });
        }
        if replica.machine().seats.get(&self.store) != Some(&self.me.seat) {
            let _ = replica.propose(&Command::Seat(self.store, self.me.seat.clone()));
        }
        self.led = Some(fence);
        self.changed = now;
    }
}

impl Me {
    fn prefers(&self, seat: &Seat) -> bool {
        let is = |wish: &String| *wish == seat.slot.to_string() || seat.node.as_ref() == Some(wish);
        self.preferred.as_ref().is_some_and(is)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Those that stand for election after the same time are those with the same of these.
fn rank(seat: &Seat) -> usize {
    usize::try_from(seat.slot % 5).unwrap_or_default()
}
