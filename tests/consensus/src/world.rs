//! The world that workers are in.

mod lives;
mod replicas;
mod turn;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use meshworker_core::{Fence, Moment};
use meshworker_group::StoreId;

use super::invariants::{Broken, Ledger, missing};
use super::mutation::Mutation;
use super::operator::Operator;
use super::swarm::Swarm;
use super::wires::Wires;
use meshworker_simulation::chance::Chance;
use meshworker_simulation::story::Story;

/// The world moves in steps of so many milliseconds.
const STEP: u64 = 10;
/// Once it is quiet, all must be well within this time: two may wait in turn for a group that is
/// there no more, a minute each.
const BOUND: u64 = 180_000;

/// What a story came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Told {
    /// How many entries were applied.
    pub entries: u64,
    /// How many acts were made.
    pub acts: u64,
    /// How many orders were acknowledged.
    pub orders: u64,
    /// How many leaderships there were.
    pub leaders: u64,
    /// How long it took until all was well, from when it became quiet.
    pub settled: u64,
    /// Whether a majority of the stores was lost, so that only a person can help.
    pub beyond_help: bool,
    /// Whether two groups had a say at once, where nobody could know better.
    pub hole: bool,
}

/// The world that workers are in.
#[derive(Debug)]
pub struct World {
    /// Now, in milliseconds.
    pub now: u64,
    /// What is by chance.
    pub chance: Chance,
    /// What happened.
    pub story: Story,
    /// The network.
    pub wires: Wires,
    /// The swarm.
    pub swarm: Swarm,
    /// Which replicas there are to be.
    pub slots: BTreeSet<u64>,
    /// Whether stores are volumes.
    pub kept: bool,
    /// Whether workers can know how many of them there are meant to be.
    pub docker: bool,
    /// Whether a container that ended is back in a moment, where it was and at its address.
    pub restless: bool,
    /// What is left out.
    pub mutation: Option<Mutation>,
    /// What is checked.
    pub ledger: Ledger,
    /// Name servers know of a new container after so long at the most.
    pub lag: u64,
    /// Since when two machines do not reach each other.
    apart: BTreeMap<(usize, usize), u64>,
    /// What stores are called that were lost, by machine and slot.
    lost: BTreeMap<(usize, u64), StoreId>,
    /// What each target of acts has heard last.
    pub heard: BTreeMap<String, Fence>,
    quiet_from: u64,
}

impl World {
    /// The world of this chance.
    pub fn new(mut chance: Chance, mutation: Option<Mutation>) -> World {
        let machines = chance.between(3, 5) as usize;
        let rates: Vec<u64> = (0..machines).map(|_| chance.between(900, 1_100)).collect();
        let replicas = chance.between(1, 5);
        let lag = chance.between(50, 3_000);
        let kept = chance.percent(70);
        let docker = chance.percent(50);
        let quiet_from = chance.between(20, 90) * 1_000;
        let restless = chance.percent(10);
        let world = World::of(&rates, replicas, chance, mutation);
        World {
            lag,
            kept,
            docker,
            restless,
            quiet_from,
            ..world
        }
    }

    /// A world of three machines with a worker each, in which nothing happens by itself, and
    /// whoever ends is back in a moment.
    pub fn calm(chance: Chance, mutation: Option<Mutation>) -> World {
        World::of(&[1_000; 3], 3, chance, mutation)
    }

    fn of(rates: &[u64], replicas: u64, chance: Chance, mutation: Option<Mutation>) -> World {
        World {
            now: 0,
            story: Story::default(),
            wires: Wires::of(rates.len()),
            swarm: Swarm::of(rates, replicas),
            slots: (1..=replicas).collect(),
            kept: true,
            docker: true,
            restless: true,
            mutation,
            ledger: Ledger::default(),
            lag: 1,
            apart: BTreeMap::new(),
            lost: BTreeMap::new(),
            heard: BTreeMap::new(),
            quiet_from: u64::MAX,
            chance,
        }
    }

    /// Plays until all is well after it became quiet.
    ///
    /// # Errors
    ///
    /// The first promise that was broken.
    pub fn play(&mut self) -> Result<Told, Broken> {
        let mut operator = Operator::default();
        let mut whole_since = None;
        loop {
            let quiet = self.now >= self.quiet_from;
            if !quiet {
                operator.act(self);
            } else if self.now - self.quiet_from < STEP {
                self.heal();
            }
            self.step()?;
            let now = self.now - STEP;
            if quiet {
                match missing(self) {
                    None => {
                        let since = *whole_since.get_or_insert(now);
                        if now >= since + 15_000 {
                            let settled = since - self.quiet_from;
                            return Ok(Told {
                                settled,
                                ..self.ledger.told
                            });
                        }
                    }
                    Some(what) => {
                        whole_since = None;
                        if now >= self.quiet_from + BOUND {
                            if self.ledger.is_beyond_help(self) {
                                return Ok(Told {
                                    beyond_help: true,
                                    ..self.ledger.told
                                });
                            }
                            return Err(("whole_in_the_end", what));
                        }
                    }
                }
            }
        }
    }

    fn heal(&mut self) {
        self.tell(format_args!("it becomes quiet"));
        self.wires.heal();
        for machine in &mut self.swarm.machines {
            machine.on = true;
        }
        for task in &mut self.swarm.tasks {
            if let Some(process) = &mut task.process {
                process.paused_until = 0;
            }
        }
    }

    /// Notes how everybody stands.
    pub fn tell_states(&mut self) {
        for task in &self.swarm.tasks {
            let Some(process) = &task.process else {
                continue;
            };
            let one = &process.participant;
            let now = self.clock(task.machine);
            let replica = one.replica().map(|replica| {
                format!(
                    "group {} term {} last {} applied {} leader {:?} voters {:?} learners {:?} changing {}",
                    replica.group(), replica.term(), replica.last(), replica.applied(), replica.leader(),
                    replica.voters(), replica.learners(), replica.is_changing()
                )
            });
            let fence = process.fence(now);
            let line = format!(
                "task {} worker {} on machine {}: {} {:?} {}; waits: {}; decided: {:?}",
                task.number,
                task.slot,
                task.machine,
                process.disk.seen.store,
                fence,
                replica.unwrap_or_default(),
                one.waits(),
                one.decision()
            );
            self.story.tell(self.now, format_args!("{line}"));
        }
    }

    /// Notes what happened.
    pub fn tell(&mut self, what: std::fmt::Arguments<'_>) {
        self.story.tell(self.now, what);
    }

    /// What a machine's clock shows now.
    pub fn clock(&self, machine: usize) -> Moment {
        clock(self.now, self.swarm.machines[machine].rate)
    }

    /// Lets a moment pass.
    ///
    /// # Errors
    ///
    /// A promise that was broken in it.
    pub fn step(&mut self) -> Result<(), Broken> {
        self.note_who_is_apart();
        self.keep_replicas();
        self.deliver();
        for index in 0..self.swarm.tasks.len() {
            self.run(index)?;
        }
        self.ledger_check()?;
        self.now += STEP;
        Ok(())
    }

    fn ledger_check(&mut self) -> Result<(), Broken> {
        let mut held = Vec::new();
        for task in self.swarm.running() {
            let Some(process) = &task.process else {
                continue;
            };
            // Whoever is asleep acts on nothing until it wakes and looks.
            if process.paused_until > self.now || !self.swarm.machines[task.machine].on {
                continue;
            }
            let now = self.clock(task.machine);
            if let (Some(fence), Some(replica)) =
                (process.fence(now), process.participant.replica())
            {
                let harmful = process.participant.may_not_intend(now).is_none();
                let known = self.docker && !process.blind;
                held.push((task.number, replica.group(), fence, [harmful, known]));
            }
        }
        self.ledger.one_authority(&held)
    }
}

/// What a clock of this rate, in thousandths, shows then.
pub fn clock(now: u64, rate: u64) -> Moment {
    Moment(Duration::from_millis(1_000_000 + now * rate / 1_000))
}
