//! The world that workers are in.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use meshworker_core::{Fence, Moment};
use meshworker_group::{
    Command, GroupId, Listing, Me, Ordered, Participant, Saved, Seat, StoreId, Tempo,
};

use super::disk::Disk;
use super::invariants::{Broken, Ledger, missing};
use super::mutation::Mutation;
use super::operator::Operator;
use super::process::{FOR_MS, Pending, Process};
use super::swarm::{DOWN, Swarm, Task};
use super::wires::{Mail, Wires};
use meshworker_simulation::chance::Chance;
use meshworker_simulation::story::Story;

/// The world moves in steps of so many milliseconds.
const STEP: u64 = 10;
/// So often a worker says hello, and asks where its name leads.
const HELLO: u64 = 500;
/// Once it is quiet, all must be well within this time: two may wait in turn for a group that is
/// there no more, a minute each.
const BOUND: u64 = 180_000;
/// A container that does not end when told is killed after so long.
const GRACE: u64 = 10_000;

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

    fn note_who_is_apart(&mut self) {
        let machines = self.swarm.machines.len();
        for a in 0..machines {
            for b in 0..machines {
                let on = self.swarm.machines[a].on && self.swarm.machines[b].on;
                if on && self.wires.both_ways(a, b) {
                    self.apart.remove(&(a, b));
                } else {
                    self.apart.entry((a, b)).or_insert(self.now);
                }
            }
        }
        for a in 0..machines {
            let reached = (0..machines)
                .filter(|b| !self.apart.contains_key(&(a, *b)))
                .count();
            let lost = !self.swarm.machines[a].on || 2 * reached <= machines;
            let since = self.swarm.machines[a].lost_since;
            self.swarm.machines[a].lost_since = lost.then(|| since.unwrap_or(self.now));
        }
    }

    /// Does what Swarm does: every slot has a task somewhere, and none has two that can be reached.
    fn keep_replicas(&mut self) {
        let now = self.now;
        let down = |since: Option<u64>| since.is_some_and(|since| now >= since + DOWN);
        for index in 0..self.swarm.tasks.len() {
            let task = &self.swarm.tasks[index];
            if task.ended.is_some() {
                continue;
            }
            let machine = &self.swarm.machines[task.machine];
            if down(machine.lost_since) {
                self.swarm.tasks[index].left_over = true;
            } else if task.left_over && machine.lost_since.is_none() && task.told.is_none() {
                let after = self.chance.between(0, 13_000);
                self.stop_at(index, now + after);
            }
            let unwanted = !self.slots.contains(&self.swarm.tasks[index].slot);
            if unwanted
                && self.swarm.tasks[index].told.is_none()
                && self.swarm.machines[self.swarm.tasks[index].machine]
                    .lost_since
                    .is_none()
            {
                self.stop_at(index, now);
            }
        }
        let slots: Vec<u64> = self.slots.iter().copied().collect();
        for slot in slots {
            if self.swarm.wanted(slot).is_none() {
                self.place(slot);
            }
        }
        self.swarm
            .tasks
            .retain(|task| task.ended.is_none_or(|ended| now < ended + 10_000));
    }

    /// Has a task told to end, at that time.
    pub fn stop_at(&mut self, index: usize, at: u64) {
        self.swarm.tasks[index].told = Some(at);
    }

    fn place(&mut self, slot: u64) {
        let up: Vec<usize> = (0..self.swarm.machines.len())
            .filter(|machine| self.swarm.machines[*machine].lost_since.is_none())
            .collect();
        let before = self.swarm.tasks.iter().rev().find(|task| task.slot == slot);
        let (last, used) = (
            before.map(|task| task.machine),
            before.map(|task| task.address),
        );
        let stays = last.filter(|last| up.contains(last));
        let stays = stays.filter(|_| self.restless || self.chance.percent(85));
        let load = |machine: &usize| {
            let tasks = self.swarm.tasks.iter();
            tasks
                .filter(|task| task.ended.is_none() && task.machine == *machine)
                .count()
        };
        let Some(machine) = stays.or_else(|| up.iter().copied().min_by_key(load)) else {
            return;
        };
        let used = used.filter(|_| self.restless || self.chance.percent(30));
        let address = self.swarm.address(used);
        let machines = self.swarm.machines.len();
        let starts_at = self.now
            + if self.now == 0 {
                self.chance.between(0, 2_000)
            } else if self.restless || self.chance.percent(30) {
                self.chance.between(20, 120)
            } else {
                self.chance.between(200, 4_000)
            };
        let number = self.swarm.next;
        self.swarm.next += 1;
        self.tell(format_args!(
            "task {number}: worker {slot} is to start on machine {machine} at {address}"
        ));
        self.swarm.tasks.push(Task {
            number,
            slot,
            machine,
            address,
            process: None,
            starts_at,
            ended: None,
            told: None,
            left_over: false,
            listed: vec![u64::MAX; machines],
            unlisted: vec![u64::MAX; machines],
        });
    }

    fn deliver(&mut self) {
        for one in self.wires.arrived(self.now) {
            let there = self
                .swarm
                .tasks
                .iter()
                .position(|task| task.address == one.to && task.process.is_some());
            let Some(index) = there else { continue };
            let (machine, address) = (self.swarm.tasks[index].machine, one.to);
            if !self.wires.reaches(one.from.1, machine) || !self.swarm.machines[machine].on {
                continue;
            }
            let now = self.clock(machine);
            let Some(process) = &mut self.swarm.tasks[index].process else {
                continue;
            };
            if process.paused_until > self.now {
                // The kernel keeps it until the process goes on.
                let mut later = one;
                later.at = process.paused_until.min(self.now + 1_000);
                self.wires.mail.push(later);
                continue;
            }
            match one.mail {
                Mail::Hello(hello) => {
                    process.participant.hear(hello, None, now);
                    let answer = Mail::Answer(process.participant.hello(now));
                    self.wires.send(
                        &mut self.chance,
                        self.now,
                        (address, machine),
                        one.from.0,
                        answer,
                    );
                }
                Mail::Answer(hello) => process.participant.hear(hello, Some(one.from.0), now),
                Mail::Letter(letter) => {
                    let Process {
                        participant, disk, ..
                    } = process;
                    let heard = participant.receive(&letter, disk, now);
                    heard.expect("a store of the simulation that cannot be written");
                }
            }
        }
    }

    fn listing(&self, machine: usize, own: IpAddr) -> Listing {
        let hidden = |task: &Task| {
            let since = self.apart.get(&(machine, task.machine));
            since.is_some_and(|since| self.now >= since + DOWN)
        };
        let listed = |task: &&Task| {
            task.listed[machine] <= self.now && self.now < task.unlisted[machine] && !hidden(task)
        };
        let mut others: BTreeSet<IpAddr> = self
            .swarm
            .tasks
            .iter()
            .filter(listed)
            .map(|task| task.address)
            .collect();
        let whole = others.remove(&own);
        let reached = self.swarm.machines[machine].lost_since.is_none();
        let wanted = match self.mutation {
            Some(Mutation::FoundsFromAnySlot) => Some(1),
            _ => (self.docker && reached).then_some(self.slots.len()),
        };
        Listing {
            others,
            whole,
            wanted,
            blind: self.docker && !reached,
        }
    }

    fn run(&mut self, index: usize) -> Result<(), Broken> {
        let now = self.now;
        let task = &self.swarm.tasks[index];
        let (machine, address, number) = (task.machine, task.address, task.number);
        if task.ended.is_some() || !self.swarm.machines[machine].on {
            return Ok(());
        }
        if task.process.is_none() {
            if task.told.is_some_and(|told| told <= now) {
                self.swarm.tasks[index].ended = Some(now);
            } else if task.starts_at <= now {
                self.begin(index);
            }
            return Ok(());
        }
        let clock = self.clock(machine);
        let listing = self.listing(machine, address);
        let told = task.told.filter(|told| *told <= now);
        let Some(process) = &mut self.swarm.tasks[index].process else {
            return Ok(());
        };
        if process.paused_until > now {
            if told.is_some_and(|told| now >= told + GRACE) {
                self.end(index, false);
            }
            return Ok(());
        }
        if told.is_some() {
            process.participant.leave(clock);
        }
        let hello = now >= process.hello_at;
        if hello {
            process.hello_at = now + HELLO;
            process.participant.see(listing.clone(), clock);
            process.blind = listing.blind;
        }
        let effects = process.settle(&mut self.chance, clock);
        let said = process.participant.hello(clock);
        for (ticket, why) in std::mem::take(&mut process.orders) {
            let entry = effects
                .applied
                .iter()
                .find(|entry| entry.index == ticket.index);
            match entry {
                None => process.orders.push((ticket, why)),
                Some(entry) if entry.term == ticket.term => {
                    if let Some(replica) = process.participant.replica() {
                        self.ledger.acknowledge(replica.group(), entry.index, why);
                    }
                }
                Some(_) => {}
            }
        }
        for act in &mut process.acts {
            let mine = |entry: &&meshworker_group::Applied| {
                entry.index == act.ticket.index && entry.term == act.ticket.term
            };
            if let Some(entry) = effects.applied.iter().find(mine) {
                act.committed = Some((entry.fence, clock));
            }
        }
        let destinations: Vec<(IpAddr, Mail)> = effects
            .letters
            .into_iter()
            .filter_map(|letter| {
                Some((
                    process.participant.book().address(letter.to)?,
                    Mail::Letter(letter),
                ))
            })
            .collect();
        let has_left = process.participant.has_left(clock);
        let replica = process.participant.replica();
        let group = replica.map(|replica| replica.group());
        if let Some(replica) = replica {
            if replica.is_leader() {
                self.ledger
                    .leads(replica.group(), replica.term(), replica.store())?;
            }
            self.ledger
                .applied(replica.group(), &effects.applied, now)?;
            self.ledger.votes(replica);
        }
        let fence = process.fence(clock);
        let newly = fence.is_some() && fence != process.held;
        process.held = fence;
        if newly && let Some(replica) = process.participant.replica() {
            self.ledger.took_over(replica)?;
            let line = format!(
                "task {number} acts under {fence:?} of group {}",
                replica.group()
            );
            self.story.tell(now, format_args!("{line}"));
        }
        for (to, mail) in destinations {
            self.wires
                .send(&mut self.chance, now, (address, machine), to, mail);
        }
        if hello {
            for to in listing.others {
                self.wires.send(
                    &mut self.chance,
                    now,
                    (address, machine),
                    to,
                    Mail::Hello(said.clone()),
                );
            }
        }
        if let Some(bequest) = effects.gives_up {
            self.tell(format_args!("task {number} gives its group up"));
            self.begin_anew(index, bequest);
            return Ok(());
        }
        if let (Some(told), true) = (told, has_left) {
            let line = format!("task {number} ends {} ms after it was told", now - told);
            self.tell(format_args!("{line}"));
            self.end(index, false);
            return Ok(());
        }
        if told.is_some_and(|told| now >= told + GRACE) {
            self.end(index, false);
            return Ok(());
        }
        self.work(index, group)
    }

    /// What the worker does with its authority: acts now and then.
    fn work(&mut self, index: usize, group: Option<GroupId>) -> Result<(), Broken> {
        let now = self.now;
        let clock = self.clock(self.swarm.tasks[index].machine);
        let begin = self.chance.percent(1);
        let delay = self.chance.between(0, 60);
        let order = self.chance.percent(1);
        let target = format!("n{}", self.chance.below(3));
        let number = self.swarm.tasks[index].number;
        let mutation = self.mutation;
        // Whoever was cut off is elected only if nothing was written without it.
        let rests = self.restless && self.chance.percent(95);
        let (begin, order) = (begin && !rests, order && !rests);
        let Some(process) = &mut self.swarm.tasks[index].process else {
            return Ok(());
        };
        if process.participant.may_not_intend(clock).is_none()
            && begin
            && process.acts.len() < 4
            && let Some(ticket) = process.intend(&target)
        {
            let committed = (mutation == Some(Mutation::ActsWithoutIntent))
                .then_some((Fence(ticket.index), clock));
            process.acts.push_back(Pending {
                ticket,
                target,
                committed,
                make_at: now + delay,
            });
        }
        if order && process.fence(clock).is_some() {
            process.begun += 1;
            let why = format!("{number}-{}", process.begun);
            if let Some(ticket) = process.order(&why) {
                process.orders.push((ticket, why));
            }
        }
        let bequest = std::mem::take(&mut process.bequest);
        if !bequest.is_empty() {
            for command in bequest {
                if process.fence(clock).is_some() {
                    let _ = process.participant.propose(&Command::Order(command));
                }
            }
        }
        let pending = std::mem::take(&mut process.acts);
        for act in pending {
            let Some((fence, since)) = act.committed else {
                // What is not committed in time never will be: it is given up.
                if now < act.make_at + 10_000 {
                    process.acts.push_back(act);
                }
                continue;
            };
            if now < act.make_at {
                process.acts.push_back(act);
                continue;
            }
            let in_time = clock.since(since) < Duration::from_millis(FOR_MS);
            if process.fence(clock).is_none() || !in_time {
                continue;
            }
            let heard = self.heard.get(&act.target).copied();
            if let Some(heard) = heard.filter(|heard| fence <= *heard) {
                let _ = process
                    .participant
                    .propose(&meshworker_group::Command::Raise(heard.0));
                process.close(fence);
                continue;
            }
            process.close(fence);
            self.heard.insert(act.target.clone(), fence);
            if let Some(group) = group {
                self.ledger.acts(group, fence, &act.target, now)?;
            }
        }
        Ok(())
    }

    fn me(&mut self, slot: u64, machine: usize, number: u64) -> Me {
        let mut tempo = Tempo::default();
        match self.mutation {
            Some(Mutation::LeasesTooLong) => tempo.lease = Duration::from_millis(2_000),
            Some(Mutation::VotesOnWaking) => tempo.quiet = Duration::ZERO,
            _ => {}
        }
        Me {
            seat: Seat {
                slot,
                node: Some(format!("machine-{machine}")),
                task: format!("task-{number}"),
            },
            first: slot == 1 || self.mutation == Some(Mutation::FoundsFromAnySlot),
            kept: self.kept,
            preferred: None,
            tempo,
        }
    }

    fn new_disk(&mut self, id: Option<StoreId>) -> Disk {
        let id = id.unwrap_or(StoreId(self.chance.any() | 1));
        Disk::empty(
            Saved::empty(id),
            self.mutation == Some(Mutation::SkipsTheSync),
        )
    }

    fn begin(&mut self, index: usize) {
        let task = &self.swarm.tasks[index];
        let (slot, machine, number) = (task.slot, task.machine, task.number);
        // Two that would open one volume: the second is refused and tries again.
        let taken = self
            .swarm
            .running()
            .any(|other| other.slot == slot && other.machine == machine);
        if taken && self.kept {
            return;
        }
        // Whatever store is there, and nobody has, is one that its group waits for.
        let volumes = &mut self.swarm.machines[machine].volumes;
        let there = volumes.keys().next().copied().unwrap_or(slot);
        let volume = volumes.remove(&slot).or_else(|| volumes.remove(&there));
        let disk = match volume.filter(|_| self.kept) {
            Some(disk) => disk,
            None => {
                let reused = self.lost.get(&(machine, slot)).copied();
                let reused = reused.filter(|_| self.mutation == Some(Mutation::ReusesItsId));
                self.new_disk(reused)
            }
        };
        self.start(index, disk);
        let (now, lag) = (self.now, self.lag);
        for machine in 0..self.swarm.machines.len() {
            let after = self.chance.between(0, lag);
            self.swarm.tasks[index].listed[machine] = now + after;
        }
        self.tell(format_args!("task {number} begins"));
    }

    fn start(&mut self, index: usize, disk: Disk) {
        let task = &self.swarm.tasks[index];
        let (slot, machine, number) = (task.slot, task.machine, task.number);
        let me = self.me(slot, machine, number);
        let clock = self.clock(machine);
        let names = [self.chance.any(), self.chance.any() | 1];
        let participant = Participant::open(me, disk.seen.clone(), clock);
        let participant = participant.expect("a store of the simulation that makes no sense");
        let mut process = Process::new(participant, disk, self.now);
        process.names.extend(names.into_iter().rev());
        process.stubborn = self.mutation == Some(Mutation::ActsWhileHandingOver);
        self.swarm.tasks[index].process = Some(process);
    }

    /// Its store is empty now, and another one.
    fn begin_anew(&mut self, index: usize, bequest: Vec<Ordered>) {
        let disk = self.new_disk(None);
        if let Some(process) = &self.swarm.tasks[index].process
            && let Some(replica) = process.participant.replica()
        {
            self.ledger.given_up(replica.group());
        }
        self.start(index, disk);
        if let Some(process) = &mut self.swarm.tasks[index].process {
            process.bequest = bequest;
        }
    }

    /// Its process ends; with a power cut what was not synced is gone.
    pub fn end(&mut self, index: usize, power_cut: bool) {
        let now = self.now;
        let unlisted: Vec<u64> = (0..self.swarm.machines.len())
            .map(|_| now + self.chance.between(0, 2_000))
            .collect();
        let task = &mut self.swarm.tasks[index];
        task.ended = Some(now);
        task.unlisted = unlisted;
        let (machine, slot) = (task.machine, task.slot);
        if let Some(process) = task.process.take() {
            let disk = match power_cut {
                true => process.disk.after_power_cut(),
                false => process.disk,
            };
            if self.kept {
                self.swarm.machines[machine].volumes.insert(slot, disk);
            }
        }
    }

    /// The volume of this slot on that machine is lost, and whoever used it ends.
    pub fn wipe(&mut self, machine: usize, slot: u64) {
        let running = self.swarm.tasks.iter().position(|task| {
            task.machine == machine && task.slot == slot && task.process.is_some()
        });
        if let Some(index) = running {
            self.end(index, false);
        }
        if let Some(disk) = self.swarm.machines[machine].volumes.remove(&slot) {
            self.lost.insert((machine, slot), disk.seen.store);
        }
    }

    /// Every store that there is, in a process or in a volume.
    pub fn stores(&self) -> BTreeSet<StoreId> {
        let running = self
            .swarm
            .running()
            .filter_map(|task| task.process.as_ref());
        let running = running.map(|process| process.disk.seen.store);
        let volumes = self
            .swarm
            .machines
            .iter()
            .flat_map(|machine| machine.volumes.values());
        running.chain(volumes.map(|disk| disk.seen.store)).collect()
    }
}

/// What a clock of this rate, in thousandths, shows then.
pub fn clock(now: u64, rate: u64) -> Moment {
    Moment(Duration::from_millis(1_000_000 + now * rate / 1_000))
}
