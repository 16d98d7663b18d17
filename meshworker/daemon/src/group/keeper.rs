//! The group's thread: one worker's part in it, from what is heard to what is stored and sent.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use meshworker_core::{Fence, Moment};
use meshworker_group::{
    Command, Effects, GroupId, IN_STEP, Intent, Listing, NotProposed, Ordered, Outcome,
    Participant, Saved, Store, StoreFailed, StoreId, Told,
};
use tokio::sync::oneshot::{self, error::TryRecvError};
use tracing::{error, info, warn};

use super::event::{Event, Reply};
use super::facts::Facts;
use super::frame::Frame;
use super::intents::Intents;
use super::line::Line;
use super::shared::Shared;
use super::store::Memory;
use super::waiting::{Waiting, Waits, is_late};
use super::{Listener, clock, drawn, picture};

/// So often others are told anew who this is, and operators shown how it stands.
const SHOWN: Duration = Duration::from_millis(250);

/// Whoever names another fence all the time is heeded once in a while.
const A_RAISE: Duration = Duration::from_secs(60);

/// One worker's part in its group.
pub(super) struct Keeper {
    participant: Participant,
    store: Box<dyn Store + Send>,
    shared: Arc<Shared>,
    listener: Arc<dyn Listener>,
    lines: BTreeMap<IpAddr, Line>,
    /// Where the workers' name leads now.
    listed: BTreeSet<IpAddr>,
    waiting: Waiting,
    intents: Intents,
    facts: Facts,
    /// Up to where the listener knows the log.
    heard: (u64, u64),
    shown: Moment,
    raised: Option<Moment>,
    takeovers: u64,
    led: Option<Fence>,
    /// Who leads, in which term, and since when.
    leads: Option<(StoreId, u64, SystemTime)>,
    /// Those whose removal is ordered, and who waits for it.
    removed: Vec<(StoreId, Moment, Reply<()>)>,
    /// Who waits until another one leads.
    handing: Vec<(Moment, Reply<StoreId>)>,
    /// What waits for its answer: what a group that was given up had ordered, in the other one.
    bequeathing: Option<Vec<oneshot::Receiver<Result<u64, String>>>>,
    /// Why the store is not to be counted on, as it was told last.
    unsound: Option<String>,
    /// Why the store is in memory, though there is a folder for it.
    unkept: Option<String>,
}

impl Keeper {
    pub(super) fn new(
        participant: Participant,
        store: Box<dyn Store + Send>,
        shared: Arc<Shared>,
        listener: Arc<dyn Listener>,
        unkept: Option<String>,
    ) -> Keeper {
        Keeper {
            participant,
            store,
            shared,
            listener,
            lines: BTreeMap::new(),
            listed: BTreeSet::new(),
            waiting: Waiting::default(),
            intents: Intents::default(),
            facts: Facts::default(),
            heard: (0, 0),
            shown: Moment::default(),
            raised: None,
            takeovers: 0,
            led: None,
            leads: None,
            removed: Vec::new(),
            handing: Vec::new(),
            bequeathing: None,
            unsound: None,
            unkept,
        }
    }

    /// The ways to other workers, by their addresses.
    pub(super) fn lines(&mut self) -> &mut BTreeMap<IpAddr, Line> {
        &mut self.lines
    }

    /// Whether this worker may end.
    pub(super) fn has_left(&self) -> bool {
        self.participant.has_left(clock::now())
    }

    /// Hears what has come.
    ///
    /// # Errors
    ///
    /// What must be kept cannot be: the worker is to end.
    pub(super) fn hear(&mut self, event: Event) -> Result<(), StoreFailed> {
        let now = clock::now();
        match event {
            Event::Heard(hello, address) => self.participant.hear(hello, address, now),
            Event::Letter(letter) => {
                self.participant.receive(&letter, &mut *self.store, now)?;
            }
            Event::Said(event, _place) => self.hear(*event)?,
            Event::Order(order, reply) => self.order(order, reply, now),
            Event::Handed(order, reply) => self.propose_order(order, reply, now),
            Event::Answered(number, answer) => self.waiting.answered(number, answer, now),
            Event::Intend(intent, reply) => self.intend(intent, reply, now),
            Event::Done(fence, outcome) => {
                if let Some(outcome) = self.intents.done(fence, outcome) {
                    self.close(fence, outcome);
                }
            }
            Event::Tell(told, only_here) => self.tell(told, only_here, now),
            Event::Raise(fence) => self.raise(fence),
            Event::HandOver(to, reply) => match self.hand_over(to, now) {
                Ok(()) => self.handing.push((now, reply)),
                Err(why) => drop(reply.send(Err(why))),
            },
            Event::Remove(store, reply) => match self.remove(store, now) {
                Ok(()) => self.removed.push((store, now, reply)),
                Err(why) => drop(reply.send(Err(why))),
            },
            Event::Leave => self.leave(),
            Event::Restart(reply) => {
                let _ = reply.send(self.restart(now)?);
            }
        }
        Ok(())
    }

    /// Notes where the workers' name leads.
    pub(super) fn see(&mut self, listing: Listing) {
        self.listed.clone_from(&listing.others);
        self.participant.see(listing, clock::now());
    }

    /// It is about to end.
    pub(super) fn leave(&mut self) {
        self.participant.leave(clock::now());
    }

    /// Lets time pass, and does what is due.
    ///
    /// # Errors
    ///
    /// What must be kept cannot be: the worker is to end.
    pub(super) fn settle(&mut self) -> Result<(), StoreFailed> {
        let now = clock::now();
        self.write_facts(now);
        for (fence, outcome) in self.intents.forgotten(now) {
            self.close(fence, outcome);
        }
        let effects = self.participant.settle(&mut *self.store, &mut drawn, now)?;
        let Effects {
            letters,
            applied,
            gives_up,
        } = effects;
        for letter in letters {
            self.post(letter.to, Frame::Letter(letter));
        }
        // Whoever is answered finds it so wherever he asks in this process.
        self.hand_out();
        for entry in &applied {
            self.waiting.applied(entry, &mut self.intents, now);
        }
        if let Some(bequest) = gives_up {
            self.begin_anew(bequest, now)?;
        }
        self.expire(now);
        self.bequeath(now)?;
        self.publish(now);
        Ok(())
    }

    fn post(&self, to: StoreId, frame: Frame) {
        if let (Some(line), Ok(bytes)) = (self.line_to(to), frame.bytes()) {
            line.send(bytes);
        }
    }

    // Orders.

    fn order(&mut self, order: Ordered, reply: Reply<u64>, now: Moment) {
        if self.leads() {
            return self.propose_order(order, reply, now);
        }
        let leader = self.another_leads();
        let Some(leader) = leader.filter(|leader| self.line_to(*leader).is_some()) else {
            let _ = reply.send(Err(self.nobody_leads()));
            return;
        };
        if let Some(number) = self.waiting.hand(reply, now) {
            self.post(leader, Frame::Ask(number, order));
        }
    }

    fn propose_order(&mut self, order: Ordered, reply: Reply<u64>, now: Moment) {
        let room = self
            .participant
            .machine()
            .map(|machine| machine.room(&order));
        if let Some(Err(why)) = room {
            let _ = reply.send(Err(why.to_string()));
            return;
        }
        match self.participant.propose(&Command::Order(order)) {
            Ok(ticket) => self.waiting.propose(ticket, Waits::ForOrder(reply), now),
            Err(NotProposed::NotLeader) => {
                let _ = reply.send(Err(self.nobody_leads()));
            }
            Err(why) => {
                let _ = reply.send(Err(why.to_string()));
            }
        }
    }

    // Intents.

    fn intend(&mut self, intent: Intent, reply: Reply<Fence>, now: Moment) {
        let Some(reply) = self.intents.join(&intent, reply, now) else {
            return;
        };
        if let Some(why) = self.participant.may_not_intend(now) {
            let _ = reply.send(Err(why));
            return;
        }
        match self.participant.propose(&Command::Intend(intent.clone())) {
            Ok(ticket) => {
                self.intents.begin(&intent, reply);
                let waits = Waits::ForIntent(intent);
                self.waiting.propose(ticket, waits, now);
            }
            Err(why) => {
                let _ = reply.send(Err(why.to_string()));
            }
        }
    }

    fn close(&mut self, fence: Fence, outcome: Outcome) {
        // What is not taken now is withdrawn by whoever leads next.
        let _ = self.participant.propose(&Command::Close {
            fence: fence.0,
            outcome,
        });
    }

    // Facts.

    fn tell(&mut self, told: Told, only_here: bool, now: Moment) {
        if let Some(leader) = self.another_leads() {
            if only_here {
                self.post(leader, Frame::Tell(told));
            }
        } else {
            self.facts.push(told, now);
        }
    }

    fn write_facts(&mut self, now: Moment) {
        if !self.facts.are_due(now) {
            return;
        }
        while let Some(some) = self.facts.an_entry() {
            // Before anybody leads they wait; then it is the leader's turn to tell.
            let told = some.len();
            match self.participant.propose(&Command::Tell(some)) {
                Ok(_) => self.facts.are_told(told),
                Err(_) if self.another_leads().is_some() => self.facts.clear(),
                Err(_) => return,
            }
        }
        self.facts.are_written(now);
    }

    fn another_leads(&self) -> Option<StoreId> {
        let replica = self.participant.replica()?;
        replica.leader().filter(|leader| *leader != replica.store())
    }

    fn line_to(&self, store: StoreId) -> Option<&Line> {
        self.lines.get(&self.participant.book().address(store)?)
    }

    // What is committed.

    fn expire(&mut self, now: Moment) {
        let removed = std::mem::take(&mut self.removed);
        for (store, since, reply) in removed {
            let waits = &self.participant.decision().waits;
            let why = waits.iter().find(|(about, _)| *about == store);
            let why = why.map_or("others are about to change", |(_, why)| why);
            if !self.participant.is_member(store) {
                let _ = reply.send(Ok(()));
            } else if !self.leads() {
                let _ = reply.send(Err(self.nobody_leads()));
            } else if is_late(since, now) {
                let _ = reply.send(Err(format!("it is removed once that is safe: {why}")));
            } else {
                self.removed.push((store, since, reply));
            }
        }
        let handing = std::mem::take(&mut self.handing);
        for (since, reply) in handing {
            if let Some(leader) = self.another_leads() {
                let _ = reply.send(Ok(leader));
            } else if is_late(since, now) {
                let _ = reply.send(Err("no other worker leads yet".into()));
            } else {
                self.handing.push((since, reply));
            }
        }
        let applied = self.participant.replica().map_or(0, |own| own.applied());
        self.waiting.expire(applied, &mut self.intents, now);
    }

    /// Tells the rest of the process what is agreed on by now.
    fn hand_out(&mut self) {
        let Some(replica) = self.participant.replica() else {
            return;
        };
        let (applied, machine) = (replica.applied(), replica.machine());
        if applied != self.heard.0 {
            let newest = machine.newest;
            for (number, told) in machine.told.iter().filter(|(n, _)| *n > self.heard.1) {
                self.listener.told(*number, told);
            }
            self.listener.ordered(&machine.orders);
            self.heard = (applied, newest);
        }
    }

    /// What a group that was given up had ordered is ordered in the other one, until that has
    /// all of it.
    fn bequeath(&mut self, now: Moment) -> Result<(), StoreFailed> {
        let bequest = self.participant.bequest().to_vec();
        if bequest.is_empty() || (self.another_leads().is_none() && !self.leads()) {
            return Ok(());
        }
        if self.bequeathing.is_none() {
            let mut order = |order: Ordered| {
                let (reply, answered) = oneshot::channel();
                self.order(order, reply, now);
                answered
            };
            self.bequeathing = Some(bequest.into_iter().map(&mut order).collect());
        }
        let Some(waiting) = &mut self.bequeathing else {
            return Ok(());
        };
        let mut refused = false;
        waiting.retain_mut(|answer| match answer.try_recv() {
            Ok(Ok(_)) => false,
            Err(TryRecvError::Empty) => true,
            Ok(Err(_)) | Err(TryRecvError::Closed) => {
                refused = true;
                false
            }
        });
        match (refused, waiting.is_empty()) {
            // All of it is said again: it is the same.
            (true, _) => self.bequeathing = None,
            (false, true) => {
                self.bequeathing = None;
                self.participant.bequeathed(&mut *self.store)?;
            }
            (false, false) => {}
        }
        Ok(())
    }

    fn publish(&mut self, now: Moment) {
        let authority = self.participant.authority(now);
        let held = authority.fence();
        if held != self.led {
            if let Some(fence) = held {
                // Under a higher number than before it acts as before.
                self.takeovers += u64::from(self.led.is_none());
                info!(%fence, "this worker acts from now on");
            } else {
                info!("this worker acts no more: {}", words(&authority));
                self.intents.clear();
            }
            self.led = held;
        }
        self.shared.hold(authority, self.participant.held_until());
        self.note_leader();
        if now.since(self.shown) >= SHOWN {
            self.shown = now;
            // Swarm takes a worker out of the name at once when it is told to end, and its vote
            // is needed for its own leaving.
            let (participant, listed) = (&self.participant, &self.listed);
            let there = |address: &IpAddr| {
                listed.contains(address) || participant.answers_at(*address, now)
            };
            self.lines.retain(|address, _| there(address));
            let hello = self.participant.hello(now);
            let since = self.leads.map(|(_, _, since)| since);
            let mut status = picture::of(&self.participant, self.takeovers, since, now);
            status.unkept.clone_from(&self.unkept);
            self.warn_of(status.unsound.as_ref());
            self.shared.show(hello, status);
        }
    }

    fn warn_of(&mut self, unsound: Option<&String>) {
        if let Some(why) = unsound.filter(|_| self.unsound.as_ref() != unsound) {
            error!("this worker takes no part: {why}");
        }
        self.unsound = unsound.cloned();
    }

    fn note_leader(&mut self) {
        let replica = self.participant.replica();
        let found = replica.and_then(|own| Some((own.leader()?, own.term())));
        if found != self.leads.map(|(leader, term, _)| (leader, term)) {
            self.leads = found.map(|(leader, term)| (leader, term, SystemTime::now()));
        }
    }

    // What operators order of the group itself.

    fn hand_over(&mut self, to: Option<StoreId>, now: Moment) -> Result<(), String> {
        if !self.leads() {
            return Err(self.nobody_leads());
        }
        let replica = self.participant.replica();
        let me = replica.map(|own| own.store());
        let voters = replica.map(|own| own.voters().clone()).unwrap_or_default();
        let lag = |store: &StoreId| replica.and_then(|own| own.lag(*store));
        let fit = |store: &StoreId| {
            let meant = to.is_none_or(|to| to == *store);
            meant && Some(*store) != me && lag(store).is_some_and(|lag| lag <= IN_STEP)
        };
        let found = voters.iter().copied().filter(fit).min_by_key(lag);
        let to = found.ok_or("no other worker that votes is in step")?;
        self.participant.hand_over(to, now);
        Ok(())
    }

    fn remove(&mut self, store: StoreId, now: Moment) -> Result<(), String> {
        if !self.leads() {
            return Err(self.nobody_leads());
        }
        self.participant.remove(store, now)
    }

    /// Goes on in memory if it can, once its store cannot be written: nobody else counts on
    /// what it has promised.
    ///
    /// # Errors
    ///
    /// Others do: the worker is to end.
    pub(super) fn goes_on(&mut self, why: StoreFailed) -> Result<(), StoreFailed> {
        let (store, group) = (StoreId(drawn()), GroupId(drawn()));
        let Some(saved) = self.participant.alone(store, group) else {
            return Err(why);
        };
        error!("{why}: this worker goes on in memory: what is ordered from now on ends with it");
        self.store = Box::new(Memory);
        self.reopen(saved, clock::now())?;
        self.participant.is_not_kept();
        self.unkept = Some(why.to_string());
        Ok(())
    }

    fn restart(&mut self, now: Moment) -> Result<Result<(), String>, StoreFailed> {
        let (store, group) = (StoreId(drawn()), GroupId(drawn()));
        let saved = match self.participant.restarted(store, group) {
            Ok(saved) => saved,
            Err(why) => return Ok(Err(why)),
        };
        warn!("an operator ordered it: this worker's store is a group of its own from now on");
        self.reopen(saved, now)?;
        self.participant.is_meant();
        Ok(Ok(()))
    }

    fn begin_anew(&mut self, bequest: Vec<Ordered>, now: Moment) -> Result<(), StoreFailed> {
        warn!("another group of workers is there, and is the bigger one: this one is given up");
        let saved = Saved {
            bequest,
            ..Saved::empty(StoreId(drawn()))
        };
        self.reopen(saved, now)?;
        self.bequeathing = None;
        Ok(())
    }

    /// Goes on from this.
    fn reopen(&mut self, saved: Saved, now: Moment) -> Result<(), StoreFailed> {
        self.participant.reopen(saved, &mut *self.store, now)?;
        self.heard = (0, 0);
        self.listener.begins_anew();
        Ok(())
    }

    fn raise(&mut self, fence: u64) {
        let known = self
            .participant
            .replica()
            .map_or(Fence(0), |own| own.machine().fence(own.last()));
        let now = clock::now();
        let rests = self.raised.is_some_and(|last| now.since(last) < A_RAISE);
        if self.leads() && fence > known.0 && !rests {
            self.raised = Some(now);
            let above = fence.min(known.furthest().0);
            let _ = self.participant.propose(&Command::Raise(above));
        }
    }

    fn leads(&self) -> bool {
        self.participant
            .replica()
            .is_some_and(|own| own.is_leader())
    }

    fn nobody_leads(&self) -> String {
        let authority = self.participant.authority(clock::now());
        format!("this worker does not lead: {}", words(&authority))
    }
}

fn words(authority: &meshworker_core::Authority) -> &str {
    match authority {
        meshworker_core::Authority::Held(_) => "it is about to",
        meshworker_core::Authority::Yielded(to) => to,
    }
}
