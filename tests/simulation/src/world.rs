//! The world: everything that a story moves.

use std::collections::BTreeSet;

use crate::address;
use crate::chance::Chance;
use crate::event::{Event, Held, Lost};
use crate::model::{Cause, Model, Process};
use crate::net::Net;
use crate::relapse::Relapsed;
use crate::setup::Setup;
use crate::story::Story;
use crate::swarm::{Phase, State, Swarm, Word};
use crate::witnesses::Past;
use crate::worker::{ANSWERS, TASKS_LAG, Worker};

/// A supervisor speaks to every worker this often.
const POST: u64 = 1_000;
/// A worker that answered within this time is one whose word a supervisor
/// waits for.
const REACHABLE: u64 = 10_000;
/// When a member says that it goes, every worker knows after this time, unless
/// it does not reach it.
pub const HEARD: u64 = 5_500;
/// A verdict is good for this long.
const FRESH: u64 = 2_500;

/// Everything that a story moves. Time is in milliseconds.
#[derive(Debug)]
pub struct World<M: Model> {
    /// The time.
    pub now: u64,
    /// What kind of world it is.
    pub setup: Setup,
    /// Chance.
    pub chance: Chance,
    /// The database.
    pub database: M,
    /// The swarm.
    pub swarm: Swarm,
    /// Who reaches whom.
    pub net: Net,
    /// Those that look after the cluster.
    pub workers: Vec<Worker<M>>,
    /// What the name server and the managers know.
    pub past: Past,
    /// What happened, for people.
    pub story: Story,
    /// What happened since the invariants were checked.
    pub events: Vec<Event>,
    /// Whether messages get lost.
    pub lossy: bool,
    /// Who held what before the last deaths.
    held: Vec<u128>,
}

impl<M: Model> World<M> {
    /// The world as it is when the story begins.
    pub fn new(setup: Setup, mut chance: Chance) -> World<M> {
        let mut swarm = Swarm::default();
        swarm.desired = setup.replicas;
        let mut database = M::new(&setup, &mut chance);
        let (net, mut story) = (Net::of(setup.hosts), Story::default());
        if setup.squatter
            && let Some(address) = swarm.free_address(&mut chance)
        {
            let node = database.start(stranger(address, 0), &mut chance);
            swarm.strangers.push((address, node));
        }
        swarm.tick(0, &setup, &net, &mut database, &mut chance, &mut story);
        // Most stories begin with a formed cluster, some with its making.
        if chance.percent(70) {
            swarm.tick(1_000, &setup, &net, &mut database, &mut chance, &mut story);
            let members: BTreeSet<usize> = database.alive().into_iter().collect();
            if members.len() >= M::FLOOR {
                database.found(members, 1_000);
            }
        }
        let workers = (0..setup.workers).map(|number| {
            let planner = Relapsed::of(M::planner(&setup), setup.relapse);
            Worker::new(number, planner, chance.between(0, 1_000))
        });
        World {
            now: 1_000,
            workers: workers.collect(),
            lossy: setup.faults,
            setup,
            chance,
            database,
            swarm,
            net,
            past: Past::default(),
            story,
            events: Vec::new(),
            held: Vec::new(),
        }
    }

    /// A moment passes for everybody but the workers.
    pub fn tick(&mut self) {
        if self.now.is_multiple_of(500) {
            self.past.note(self.now, &self.swarm, &self.net);
        }
        let (now, setup) = (self.now, &self.setup);
        let (database, chance) = (&mut self.database, &mut self.chance);
        self.swarm
            .tick(now, setup, &self.net, database, chance, &mut self.story);
        self.supervise();
        self.note_losses();
        self.database.tick(self.now, &self.net, &mut self.chance);
        if self.now.is_multiple_of(1_000) {
            self.database.write(self.now);
        }
        for mut event in self.database.happened() {
            if let Event::Assigned(assigned) = &mut event {
                let looked = assigned.looked;
                let known = |holder: &usize| self.can_be_known(*holder, looked);
                assigned.holders.retain(known);
                assigned.awaited = self.awaited(assigned.keys);
            }
            self.events.push(event);
        }
        self.held = self.database.holders();
    }

    /// Whether a worker that looked then can know of this node: the task list tells, or it
    /// reaches it, and the node answered by then.
    fn can_be_known(&self, node: usize, looked: u64) -> bool {
        let Some(process) = self.database.process(node) else {
            return false;
        };
        let mut workers = self.workers.iter().filter(|worker| worker.up);
        let seen = self.net.back[process.host] + TASKS_LAG <= self.now;
        self.setup.docker
            || seen
                && looked >= process.started + ANSWERS
                && workers.all(|worker| self.net.worker_reaches(worker.number, process.host))
    }

    /// Slots whose member the task list wants, and that is about to start where some of
    /// these keys are.
    fn awaited(&self, keys: u64) -> Vec<u64> {
        let runs = |node: usize| self.database.runs(node);
        let tasks = self.swarm.live().map(|(_, task)| task);
        let tasks = tasks.filter(|task| {
            self.setup.docker
                && task.unwanted.is_none()
                && !task.node.is_some_and(runs)
                && self.now >= task.starts + TASKS_LAG
                && self.database.kept(task.host, task.slot) & keys != 0
        });
        tasks.map(|task| task.slot).collect()
    }

    /// Units that were held before, and are not any more.
    fn note_losses(&mut self) {
        if self.database.is_renewed() {
            return;
        }
        let now = self.database.holders();
        let mut lost = BTreeSet::new();
        for (unit, (before, after)) in self.held.iter().zip(&now).enumerate() {
            if *before == 0 || *after != 0 {
                continue;
            }
            let dead = |node: &usize| *before & (1 << node) != 0 && !self.database.runs(*node);
            let last: Vec<usize> = (0..self.database.processes().len()).filter(dead).collect();
            if last.is_empty() {
                continue;
            }
            lost.insert(last.clone());
            self.events.push(Event::Lost(Lost { unit, last }));
        }
        for last in lost {
            self.story
                .tell(self.now, format_args!("data is lost with {last:?}"));
        }
    }

    /// Every supervisor speaks to every worker, and hears whether its member
    /// may stop.
    fn supervise(&mut self) {
        if !self.setup.supervised {
            return;
        }
        let tasks = 0..self.swarm.tasks.len();
        let nothing_in_the_way: Vec<bool> = tasks.map(|at| self.is_in_vain(at)).collect();
        for (at, free) in nothing_in_the_way.into_iter().enumerate() {
            let task = &mut self.swarm.tasks[at];
            let runs = |node: usize| self.database.runs(node);
            if task.state != State::Running
                || self.now < task.next_post
                || !task.node.is_some_and(runs)
            {
                continue;
            }
            task.next_post = self.now + POST;
            for worker in &mut self.workers {
                let lost = self.lossy && self.chance.percent(10);
                if lost || !worker.up || !self.net.worker_reaches(worker.number, task.host) {
                    continue;
                }
                worker
                    .heard
                    .insert(at, (self.now, task.slot, task.address, task.phase));
                if self.lossy && self.chance.percent(10) {
                    continue;
                }
                let asked = &mut task.asked[worker.number];
                asked.heard = Some(self.now);
                // A verdict is for those that a pass saw leaving.
                let verdict = worker.verdicts.get(&task.address);
                asked.granted = verdict.and_then(|verdict| {
                    let fresh = task.phase == Phase::Leaving && self.now < verdict.0 + FRESH;
                    verdict.1.clone().filter(|_| fresh)
                });
            }
            if task.phase != Phase::Leaving {
                continue;
            }
            if let Some(node) = task.node.filter(|_| free) {
                task.vain += POST;
                let vain = task.vain;
                self.events.push(Event::Held(Held { node, vain }));
            } else {
                task.vain = 0;
            }
            let all = task.asked.iter();
            let all: Vec<_> = all
                .filter(|a| a.heard.is_some_and(|heard| self.now < heard + REACHABLE))
                .collect();
            let grants: Vec<Word> = all
                .iter()
                .filter(|a| a.heard.is_some_and(|heard| self.now < heard + FRESH))
                .filter_map(|a| a.granted.clone())
                .collect();
            if !grants.is_empty() && grants.len() == all.len() {
                task.grants = grants;
                let took = self.chance.between(200, 1_000);
                task.stop(self.now + took, Cause::Released);
                let words = task.grants.len();
                self.story.tell(
                    self.now,
                    format_args!("{task} stops, on the word of {words} workers"),
                );
            }
        }
    }

    /// Whether this member waits to leave although nobody and nothing is in its way, as
    /// far as can be told: only where nothing breaks that anybody might wait for.
    fn is_in_vain(&self, at: usize) -> bool {
        let task = &self.swarm.tasks[at];
        if self.setup.faults || task.phase != Phase::Leaving || !self.swarm.update.is_empty() {
            return false;
        }
        let Some(node) = task.node.filter(|node| self.database.is_free(*node)) else {
            return false;
        };
        let members = self.database.alive();
        let mut others = self.swarm.live().filter(|(other, _)| *other != at);
        let silent = |host: usize| self.net.silent_since(host).is_some();
        self.workers.iter().all(|worker| worker.up)
            && self.swarm.desired as usize >= M::FLOOR
            && others.all(|(_, task)| {
                task.phase == Phase::Present
                    && (task.unwanted.is_none() || silent(task.host))
                    && task.state == State::Running
            })
            && members.len() > M::FLOOR
            && members.iter().all(|other| {
                let whole = members.len() as u64;
                self.database.is_whole(*other, whole, self.now)
            })
            && members.contains(&node)
    }

    /// Tells what is true of each member, for whoever has to understand a failure.
    pub fn tell_who_is_there(&mut self) {
        for (_, task) in self.swarm.live() {
            let wish = match task.unwanted {
                Some(since) => format!("unwanted since {:.1}", since as f64 / 1000.0),
                None => "wanted".into(),
            };
            let (state, phase) = (task.state, task.phase);
            let at = format!("{} on host {}", address(task.address), task.host);
            let sees = task.node.map(|node| self.database.sees(node));
            let sees = sees.unwrap_or_default();
            let line = format_args!("{task} at {at} is {state:?}, {phase:?}, {wish}{sees}");
            self.story.tell(self.now, line);
        }
    }

    /// Whether the member with this node does not say that it goes, and is not
    /// known to be meant to: the task list, where it is read, knows that after
    /// `lag` milliseconds.
    pub fn stays(&self, node: usize, lag: Option<u64>) -> bool {
        let task = self.swarm.task_of(node);
        task.is_some_and(|task| {
            // Of a host that is out of sight nobody knows what is meant to go.
            let seen = self.net.silent_since(task.host).is_none();
            let unwanted = task.unwanted.zip(lag).filter(|_| seen);
            let back = self.net.back[task.host];
            let known = unwanted.is_some_and(|(since, lag)| self.now >= since.max(back) + lag);
            let told = task.kill_at.saturating_sub(self.setup.grace);
            // Whoever was out of reach has to be heard anew.
            let told = told.max(back);
            let heard = task.phase != Phase::Present && self.now >= told + HEARD;
            !heard && !known
        })
    }

    /// Whether the member with this node waits to leave while whoever is to have its
    /// place waits for that.
    pub fn waits_for_successor(&self, node: usize) -> bool {
        let task = self.swarm.task_of(node);
        task.filter(|task| task.phase == Phase::Leaving)
            .is_some_and(|task| {
                self.swarm.tasks.iter().any(|next| {
                    let wanted = |since| self.now < since + TASKS_LAG;
                    next.slot == task.slot
                        && next.node.is_none()
                        && next.unwanted.is_none_or(wanted)
                })
            })
    }

    /// Whether the member with this node is wanted and does not say that it goes.
    pub fn says_nothing(&self, node: usize) -> bool {
        let task = self.swarm.task_of(node);
        task.is_some_and(|task| task.phase == Phase::Present && task.unwanted.is_none())
    }
}

/// Another cluster's process at this address.
pub fn stranger(address: u8, now: u64) -> Process {
    Process {
        ours: false,
        slot: 0,
        address,
        host: 0,
        started: now,
        died: None,
    }
}
