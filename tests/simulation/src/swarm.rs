//! The swarm: which tasks a service has, where, and what becomes of them. The
//! times are those of a real swarm.

use crate::model::{Cause, Model, Process};
use crate::net::Net;
use crate::setup::Setup;
use crate::story::Story;
use crate::{address, chance::Chance};

mod task;

pub use task::{Asked, Phase, State, Task, Word};

/// Between "it is to go" and SIGTERM.
const NOTICE: u64 = 3_000;
/// The managers miss a host after this time.
pub const HOST_DOWN: u64 = 15_400;
/// A container that died is started again after this time.
const RESTART: u64 = 5_000;
/// So long before the grace period ends, a supervisor decides alone.
const LAST_MOMENT: u64 = 2_000;
/// So many addresses there are: few, so that they are used again.
const ADDRESSES: u8 = 14;

/// The swarm's managers, and all tasks that they ever made.
#[derive(Debug, Clone, Default)]
pub struct Swarm {
    /// How many replicas the service is to have.
    pub desired: u64,
    /// All tasks that ever were. Number and order never change.
    pub tasks: Vec<Task>,
    /// Slots that are still to be updated, and the task that was made last.
    pub update: Vec<u64>,
    updating: Option<(usize, u64)>,
    /// Addresses that another service has, and its node there.
    pub strangers: Vec<(u8, usize)>,
    /// Addresses that were freed, the last one last.
    freed: Vec<u8>,
}

impl Swarm {
    /// The tasks that are not over.
    pub fn live(&self) -> impl Iterator<Item = (usize, &Task)> {
        let tasks = self.tasks.iter().enumerate();
        tasks.filter(|(_, task)| task.state != State::Exited)
    }

    /// The task whose node this is.
    pub fn task_of(&self, node: usize) -> Option<&Task> {
        self.tasks.iter().find(|task| task.node == Some(node))
    }

    /// Whether this node is meant to run.
    pub fn wants(&self, node: usize) -> bool {
        self.task_of(node).is_some_and(|t| t.unwanted.is_none())
    }

    /// Makes a task for this slot; it starts at `starts`, once `after` is over.
    pub fn create(
        &mut self,
        slot: u64,
        starts: u64,
        after: Option<usize>,
        net: &Net,
        chance: &mut Chance,
    ) -> Option<usize> {
        let up: Vec<usize> = (0..net.hosts)
            .filter(|host| {
                net.silent_since(*host)
                    .is_none_or(|since| starts < since + HOST_DOWN)
            })
            .collect();
        let spread = |host: &usize| self.live().filter(|(_, t)| t.host == *host).count();
        let before = self.tasks.iter().rfind(|task| task.slot == slot);
        // Where its volume is, as a rule.
        let home = before
            .map(|task| task.host)
            .filter(|home| up.contains(home));
        let host = match home.filter(|_| chance.percent(50)) {
            Some(home) => home,
            None => up.into_iter().min_by_key(spread)?,
        };
        let address = self.free_address(chance)?;
        self.tasks
            .push(Task::new(slot, address, host, starts, after));
        Some(self.tasks.len() - 1)
    }

    /// An address that nobody has: often one that was freed just now.
    pub fn free_address(&mut self, chance: &mut Chance) -> Option<u8> {
        let taken = |address: &u8| {
            self.live().any(|(_, task)| task.address == *address)
                || self.strangers.iter().any(|(theirs, _)| theirs == address)
        };
        if chance.percent(40)
            && let Some(address) = self.freed.iter().rev().find(|a| !taken(a)).copied()
        {
            return Some(address);
        }
        let free: Vec<u8> = (1..=ADDRESSES).filter(|a| !taken(a)).collect();
        chance.pick(&free)
    }

    /// Removes the wish for this task.
    pub fn unwant(&mut self, at: usize, now: u64) {
        if let Some(task) = self.tasks.get_mut(at) {
            task.unwanted.get_or_insert(now);
        }
    }

    /// The container dies, whatever its supervisor wants.
    pub fn kill(&mut self, at: usize, now: u64, database: &mut impl Model, cause: Cause) {
        let Some(task) = self.tasks.get_mut(at) else {
            return;
        };
        if let Some(node) = task.node {
            database.stop(node, now, cause);
        }
        if task.state != State::Exited {
            task.state = State::Exited;
            task.exited = now;
            self.freed.push(task.address);
        }
    }

    /// What the swarm does by itself.
    pub fn tick(
        &mut self,
        now: u64,
        setup: &Setup,
        net: &Net,
        database: &mut impl Model,
        chance: &mut Chance,
        story: &mut Story,
    ) {
        for at in 0..self.tasks.len() {
            if self.tasks[at].state != State::Exited {
                self.lead(at, now, setup, net, database, chance, story);
            }
        }
        self.reconcile(now, net, chance, story);
        self.roll(now, net, database, chance, story);
    }

    /// One task, from its start to its end.
    #[expect(clippy::too_many_arguments, reason = "the whole world, in parts")]
    fn lead(
        &mut self,
        at: usize,
        now: u64,
        setup: &Setup,
        net: &Net,
        database: &mut impl Model,
        chance: &mut Chance,
        story: &mut Story,
    ) {
        let before = self.tasks[at].after;
        let free = before.is_none_or(|before| self.tasks[before].state == State::Exited);
        let task = &mut self.tasks[at];
        // The managers reach the host again after a while.
        let silent = net.silent_since(task.host);
        if silent.is_some_and(|since| now >= since + HOST_DOWN) && task.unwanted.is_none() {
            task.unwanted = Some(now);
        }
        let free = free && (task.unwanted.is_some() || database.may_start(task.slot));
        if task.state == State::Starting && free && silent.is_none() && now >= task.starts {
            if task.unwanted.is_some() {
                task.state = State::Exited;
                task.exited = now;
                return;
            }
            let process = Process {
                ours: true,
                slot: task.slot,
                address: task.address,
                host: task.host,
                started: now,
                died: None,
            };
            let node = database.start(process, chance);
            story.tell(
                now,
                format_args!(
                    "{task} starts at {} on host {} as n{node}{}",
                    address(task.address),
                    task.host,
                    database.found_there(node)
                ),
            );
            task.state = State::Running;
            task.node = Some(node);
            return;
        }
        if task.unwanted.is_some() && task.state == State::Starting {
            task.state = State::Exited;
            task.exited = now;
            return;
        }
        let died = |node: usize| !database.runs(node);
        if silent.is_none() && task.node.is_some_and(died) {
            self.kill(at, now, database, Cause::Fault);
            return;
        }
        // SIGTERM comes a while after the wish, and not while nobody reaches it.
        let due = task.unwanted.is_some_and(|since| now >= since + NOTICE);
        if due && silent.is_none() && task.phase == Phase::Present {
            task.kill_at = now + setup.grace;
            if setup.supervised {
                task.phase = Phase::Leaving;
                task.next_post = now;
                story.tell(now, format_args!("{task} is told to stop, and asks"));
            } else {
                task.stop(now + chance.between(100, 500), Cause::Fault);
                story.tell(now, format_args!("{task} is told to stop, and does"));
            }
        }
        if task.phase == Phase::Leaving && now + LAST_MOMENT >= task.kill_at {
            task.stop(now + 500, Cause::Fault);
            task.alone = true;
            story.tell(now, format_args!("{task} decides alone to stop"));
        }
        if let Some((_, cause)) = task.stops.filter(|(at, _)| *at <= now) {
            story.tell(now, format_args!("{task} has stopped"));
            self.kill(at, now, database, cause);
        }
    }

    /// One task for each slot that is to be.
    fn reconcile(&mut self, now: u64, net: &Net, chance: &mut Chance, story: &mut Story) {
        let too_many: Vec<usize> = self
            .live()
            .filter(|(_, task)| task.slot > self.desired && task.unwanted.is_none())
            .map(|(at, _)| at)
            .collect();
        for at in too_many {
            self.unwant(at, now);
        }
        for slot in 1..=self.desired {
            let of_slot = || self.tasks.iter().filter(move |task| task.slot == slot);
            if of_slot().any(|task| task.unwanted.is_none() && task.state != State::Exited) {
                continue;
            }
            // A task that died is followed after a while, one that was removed at once.
            let crashed = of_slot().rfind(|t| t.state == State::Exited && t.unwanted.is_none());
            let wait = crashed.map_or(1_000, |task| {
                (task.exited + RESTART).saturating_sub(now).max(300)
            });
            for task in self.tasks.iter_mut().filter(|task| task.slot == slot) {
                if task.state == State::Exited {
                    task.unwanted.get_or_insert(now);
                }
            }
            if let Some(at) = self.create(slot, now + wait, None, net, chance) {
                let task = &self.tasks[at];
                story.tell(
                    now,
                    format_args!("{task} is made, at {}", address(task.address)),
                );
            }
        }
    }

    /// A rolling update: the next slot once the last one is healthy.
    fn roll(
        &mut self,
        now: u64,
        net: &Net,
        database: &impl Model,
        chance: &mut Chance,
        story: &mut Story,
    ) {
        if let Some((task, since)) = self.updating {
            let task = &self.tasks[task];
            // In the cluster with everybody else, and nothing moves: or the
            // update goes on after its patience.
            let healthy = task.node.is_some_and(|node| {
                database.runs(node) && database.is_whole(node, self.desired, now)
            });
            let started = task.node.and_then(|node| database.process(node));
            let began = started.map_or(now, |process| process.started);
            let waits = now < began.max(since) + 60_000;
            if !healthy && waits && task.state != State::Exited {
                return;
            }
            self.updating = None;
        }
        let Some(slot) = self.update.pop() else {
            return;
        };
        let old = self
            .live()
            .find(|(_, t)| t.slot == slot && t.unwanted.is_none());
        let Some((old, _)) = old else {
            return;
        };
        let new = self.create(slot, now + 300, Some(old), net, chance);
        if let Some(new) = new {
            self.unwant(old, now);
            story.tell(now, format_args!("{} is updated", self.tasks[old]));
            self.updating = Some((new, now));
        }
    }
}
