//! One worker among those of its service.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use meshworker_core::{Authority, Fence, Moment};

use crate::book::FRESH;
use crate::replica::Applied;
use crate::{
    Book, Command, Decision, Founding, Given, GroupId, Hello, Letter, Listing, Machine,
    NotProposed, Ordered, Outcome, Picture, Replica, Save, Saved, Seat, Seeker, Shift, Standing,
    Store, StoreFailed, StoreId, Tempo, decide, founding,
};

/// A leader's log is this far ahead of one that is in step, at the most.
const IN_STEP: u64 = 64;

/// So often the leader thinks about who is to vote.
const THINK: Duration = Duration::from_millis(100);

/// A worker that is about to end stays for so long to see its vote go.
const FAREWELL: Duration = Duration::from_secs(3);

/// Where all of them are about to end, whoever leads has ended after so long: Swarm kills it
/// ten seconds after it told it to stop.
const LAST_WORDS: Duration = Duration::from_secs(9);

/// Whoever could lead leads within this time.
const ELECTED: Duration = Duration::from_secs(3);

/// After all of them were off at once the first slot may be the first to be back, elsewhere,
/// and know nothing of its group: for so long whoever founds does nothing that harms.
const YOUNG: Duration = Duration::from_secs(10);

/// Whoever has no vote waits so long for its group before it goes to another one.
const DESERTED: Duration = Duration::from_secs(60);

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
    /// What a group of its own would be called, drawn at random.
    pub group: GroupId,
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
    /// What it is called if it goes on from a group whose workers have all ended.
    fresh: StoreId,
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
    /// A worker that wakes with this store; `fresh` is what it is called if it has to begin
    /// with another one.
    ///
    /// # Errors
    ///
    /// What was kept makes no sense.
    pub fn open(
        me: Me,
        saved: Saved,
        fresh: StoreId,
        now: Moment,
    ) -> Result<Participant, StoreFailed> {
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
            fresh,
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
            leader: replica.and_then(Replica::leader),
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
        }
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

    /// It is about to end.
    pub fn leave(&mut self, now: Moment) {
        if self.leaving.is_none() {
            // Whoever acts is to hand that over at once.
            (self.leaving, self.thought) = (Some(now), Moment::default());
        }
    }

    /// Whether it may end now: it has no vote any more, or nobody stays, or it has waited
    /// long enough.
    pub fn has_left(&self, now: Moment) -> bool {
        let Some(since) = self.leaving else {
            return false;
        };
        let Some(replica) = &self.replica else {
            return true;
        };
        let ours = self.book.fresh(now).map(|heard| &heard.hello);
        let ours: Vec<&Hello> = ours
            .filter(|hello| hello.group == Some(replica.group()))
            .collect();
        let stays = ours.iter().any(|hello| !hello.leaving);
        if !stays {
            // The whole service ends: whoever leads has a last word for those that go with it,
            // and needs our votes for it.
            let leads = |hello: &&Hello| Some(hello.store) == replica.leader();
            let needed = replica.counted().contains(&self.store) && ours.iter().any(leads);
            let waits = needed || (replica.is_leader() && !ours.is_empty());
            let ended = replica.machine().ended && !needed;
            return !waits || ended || now.since(since) >= LAST_WORDS;
        }
        // Whoever is in the group no more hears so from its leader alone.
        let let_go = |hello: &&Hello| {
            hello.term >= replica.term()
                && hello.applied > replica.applied()
                && hello.leader == Some(hello.store)
                && !hello.voters.contains(&self.store)
        };
        let votes = replica.counted().contains(&self.store) && !ours.iter().any(let_go);
        !votes || now.since(since) >= FAREWELL
    }

    /// Whether it may act at this moment.
    pub fn authority(&self, now: Moment) -> Authority {
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
        group: GroupId,
        store: &mut dyn Store,
        now: Moment,
    ) -> Result<(), StoreFailed> {
        store.save(&saved.anew())?;
        let me = Me {
            group,
            ..self.me.clone()
        };
        let fresh = saved.store;
        let new = Participant::open(me, saved, fresh, now)?;
        *self = Participant {
            listing: std::mem::take(&mut self.listing),
            wanted: self.wanted,
            blind: self.blind,
            sighted: self.sighted,
            ..new
        };
        Ok(())
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

    /// Up to which entry it knows what its group had, if nobody leads it any more since all
    /// of its workers ended, or the only one that voted is gone: of several workers that
    /// became one, that one starts wherever Swarm likes, beside what another one had left.
    fn knows(&self, now: Moment) -> u64 {
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
    fn succeed(&mut self, store: &mut dyn Store, now: Moment) -> Result<(), StoreFailed> {
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
        let save = Replica::founding(self.fresh, self.me.group, Some(&machine))?;
        self.store = self.fresh;
        self.young = true;
        self.begin(&save, store, now)
    }

    /// Whether somebody answered at this address a moment ago.
    pub fn answers_at(&self, address: std::net::IpAddr, now: Moment) -> bool {
        self.book.at(address, now).is_some()
    }

    /// An operator knows that it is the one to go on.
    pub fn is_meant(&mut self) {
        self.young = false;
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
        if self.heard(now).any(|hello| hello.store == store) {
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

    /// Lets time pass, decides what is due, and stores what must be before it is said.
    ///
    /// # Errors
    ///
    /// It cannot be stored: the worker is to end.
    pub fn settle(&mut self, store: &mut dyn Store, now: Moment) -> Result<Effects, StoreFailed> {
        match self.replica {
            Some(_) => self.succeed(store, now)?,
            None => self.seek(store, now)?,
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
    fn seek(&mut self, store: &mut dyn Store, now: Moment) -> Result<(), StoreFailed> {
        match founding(&self.seeker(None, 0), &self.listing, &self.book, now) {
            Founding::Found => {
                let save = Replica::founding(self.store, self.me.group, None)?;
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

    fn begin(
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

    /// A group is grown up once most of those that there are meant to be are in it; where nobody
    /// could know how many, after a while. Then that is written down: whoever restarts knows it.
    fn grow_up(&mut self, now: Moment) {
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

    /// Says that all are about to end once they are, and takes that back if somebody stays: so
    /// however few come back later, they wait for none of the others.
    fn end(&mut self, now: Moment) {
        let Some(replica) = self.replica.as_mut().filter(|replica| replica.is_leader()) else {
            return;
        };
        let members: BTreeSet<StoreId> = replica
            .counted()
            .union(replica.learners())
            .copied()
            .collect();
        let alone = members.iter().eq([&self.store]);
        let group = replica.group();
        let ours = self.book.fresh(now).map(|heard| &heard.hello);
        let mut ours = ours.filter(|hello| hello.group.is_none_or(|of| of == group));
        let all = self.leaving.is_some() && ours.all(|hello| hello.leaving);
        if (all && !alone) != replica.machine().ended && self.ended != Some(all) {
            // What is not taken is said again, by whoever leads then.
            self.ended = replica
                .propose(&Command::End(all && !alone))
                .ok()
                .map(|_| all);
        }
    }

    /// Thinks about who is to vote, as the leader.
    fn think(&mut self, now: Moment) {
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

    /// Two workers that each founded out of the other's sight become one group again: the
    /// one with less in its log, of those that nobody else votes in, gives its own up. And
    /// whoever has no vote in a group that is there no more does, once it sees another one.
    fn gives_up(&mut self, now: Moment) -> Option<Vec<Ordered>> {
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
        let mine = (!self.young, false, replica.last(), replica.group());
        // The group that it knew ended without it, and that one goes on from there.
        let outlived = other.heir_of == Some(replica.group()) && replica.leader().is_none();
        let gives_way =
            alone && mine < (!other.young, !other.is_single(), other.last, other.group?);
        let lost = deserted && now.since(since) >= DESERTED;
        if !gives_way && !lost && !outlived {
            return None;
        }
        let orders = &replica.machine().orders;
        let bequest = |(cluster, given): (&String, &Given)| given.bequest(cluster);
        let ours = orders.iter().flat_map(bequest);
        Some(self.bequest.iter().cloned().chain(ours).collect())
    }

    fn standing(&self, store: StoreId, now: Moment) -> Standing {
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

    /// For how long this worker has not heard that store.
    fn unheard(&self, store: StoreId, now: Moment) -> Duration {
        let at = self.book.get(store).map_or(self.woke, |heard| heard.at);
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
