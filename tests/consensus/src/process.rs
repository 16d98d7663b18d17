//! A worker's process.

use std::collections::VecDeque;

use meshworker_core::{Authority, Change, Fence, Moment};
use meshworker_group::{
    Command, Effects, Intent, LEASE, Order, Ordered, Outcome, Participant, Ticket,
};

use super::disk::Disk;
use meshworker_simulation::chance::Chance;

/// A worker's process, while it runs.
#[derive(Debug)]
pub struct Process {
    /// What it decides with.
    pub participant: Participant,
    /// Its store.
    pub disk: Disk,
    /// What it calls what is new; more are drawn once these are used.
    pub names: Vec<u64>,
    /// It does nothing until then.
    pub paused_until: u64,
    /// It says hello then.
    pub hello_at: u64,
    /// Acts on their way, oldest first.
    pub acts: VecDeque<Pending>,
    /// Orders that somebody waits for.
    pub orders: Vec<(Ticket, String)>,
    /// What a group that it gave up had ordered.
    pub bequest: Vec<Ordered>,
    /// What it had as authority last.
    pub held: Option<Fence>,
    /// Until when that was sure, by its clock.
    pub held_until: Moment,
    /// Whether whoever could say how many there are meant to be was not reached last.
    pub blind: bool,
    /// Whether it acts until then, whatever it knows meanwhile.
    pub stubborn: bool,
    /// How many orders and acts it has begun.
    pub begun: u64,
}

/// An act that is about to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Its intent.
    pub ticket: Ticket,
    /// To whom.
    pub target: String,
    /// Its fence, once it is committed, and when that was, by the process's clock.
    pub committed: Option<(Fence, Moment)>,
    /// It is made then.
    pub make_at: u64,
}

/// So long an act may be made after its intent was committed.
pub const FOR_MS: u64 = 2_000;

impl Process {
    /// Begins.
    pub fn new(participant: Participant, disk: Disk, now: u64) -> Process {
        Process {
            participant,
            disk,
            names: Vec::new(),
            paused_until: 0,
            hello_at: now,
            acts: VecDeque::new(),
            orders: Vec::new(),
            bequest: Vec::new(),
            held: None,
            held_until: Moment::default(),
            blind: false,
            stubborn: false,
            begun: 0,
        }
    }

    /// Lets time pass.
    pub fn settle(&mut self, chance: &mut Chance, now: Moment) -> Effects {
        let drawn = &mut self.names;
        let names = &mut || drawn.pop().unwrap_or_else(|| chance.any() | 1);
        let effects = self.participant.settle(&mut self.disk, names, now);
        if self.participant.authority(now).fence().is_some() {
            self.held_until = self.participant.held_until().min(now.plus(LEASE));
        }
        effects.expect("a store of the simulation that cannot be written")
    }

    /// Whether it may act now.
    pub fn fence(&self, now: Moment) -> Option<Fence> {
        match self.participant.authority(now) {
            Authority::Held(fence) => Some(fence),
            Authority::Yielded(_) if self.stubborn && now < self.held_until => self.held,
            Authority::Yielded(_) => None,
        }
    }

    /// Proposes an act on this target.
    pub fn intend(&mut self, target: &str) -> Option<Ticket> {
        let intent = Intent {
            cluster: "db".into(),
            change: Change::Forget,
            target: target.into(),
            what: String::new(),
            for_ms: FOR_MS,
        };
        self.participant.propose(&Command::Intend(intent)).ok()
    }

    /// Proposes an order.
    pub fn order(&mut self, why: &str) -> Option<Ticket> {
        let order = Ordered {
            cluster: "db".into(),
            who: None,
            at_ms: 0,
            order: Order::Hold {
                member: None,
                why: why.into(),
                until_ms: None,
            },
        };
        self.participant.propose(&Command::Order(order)).ok()
    }

    /// Says what became of an act.
    pub fn close(&mut self, fence: Fence) {
        let outcome = Outcome::Done(String::new());
        let _ = self.participant.propose(&Command::Close {
            fence: fence.0,
            outcome,
        });
    }
}
