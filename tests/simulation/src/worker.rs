//! A worker: looks, decides and acts as the daemon does, one small step at a
//! time, so that it can be stopped between any two.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use meshworker_core::{
    Answer, Context, Going, History, Limits, Moment, Observation, Orders, Pace, Plan, Presence,
    Release, Report, Request, Step, Unanswered, Witness, decide,
};

use crate::event::{Event, Forgot, Grant, Sent};
use crate::model::{Ask, CLUSTER, Database, Detail, Engine, START};
use crate::swarm::{Phase, State, Word};
use crate::witnesses::{Lie, announce, dns, docker};
use crate::world::World;
use crate::{address, last_byte};

/// An announcement is good for this long.
const EXPIRY: u64 = 5_000;

/// The task list may be so old when a worker reads it and decides.
const TASKS_LAG: u64 = 4_500;

/// Whoever runs for so long is known to the witnesses.
const KNOWN: u64 = 4_000;

/// A step, and whether its addresses answered as ours when the worker looked.
type Checked = (Step<Ask>, bool, bool, u64);

#[derive(Debug, Clone)]
enum Stage {
    /// The next pass begins then.
    Idle(u64),
    /// The witnesses have spoken; the members are asked then.
    Looking {
        began: u64,
        asks: u64,
        reports: Vec<Report>,
    },
    /// The steps that are still to be made.
    Acting(VecDeque<Checked>),
}

/// What a worker says of the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Told {
    /// Whether it is one cluster.
    pub one: bool,
    /// Whether nothing was left to do, and nobody on the way out.
    pub calm: bool,
}

/// One that looks after the cluster.
#[derive(Debug)]
pub struct Worker {
    /// Its number, from 0.
    pub number: usize,
    /// Whether it runs.
    pub up: bool,
    /// What it said last.
    pub told: Told,
    /// How many passes it made.
    pub passes: u64,
    /// What each member announced last: when, slot, address and phase.
    pub heard: BTreeMap<usize, (u64, u64, u8, Phase)>,
    /// For each address in the leave queue: when the worker looked, and its
    /// word, when the member may stop.
    pub verdicts: BTreeMap<u8, (u64, Option<Word>)>,
    /// How the name server lies to it, and until when.
    pub dns_lie: Option<(Lie, u64)>,
    /// How the task list lies to it, and until when.
    pub docker_lie: Option<(Lie, u64)>,
    limits: Limits,
    engine: Engine,
    history: History,
    stage: Stage,
}

impl Worker {
    /// A worker whose first pass begins then.
    pub fn new(number: usize, engine: Engine, begins: u64) -> Worker {
        Worker {
            number,
            up: true,
            told: Told::default(),
            passes: 0,
            heard: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            dns_lie: None,
            docker_lie: None,
            limits: Limits {
                // Shorter than the default, so that a story ends.
                mass_vanish_hold: Duration::from_secs(60),
                ..Limits::default()
            },
            engine,
            history: History::default(),
            stage: Stage::Idle(begins),
        }
    }

    /// It dies, and forgets everything.
    pub fn crash(&mut self) {
        self.up = false;
        self.told = Told::default();
        self.heard.clear();
        self.verdicts.clear();
        self.history = History::default();
    }

    /// It starts again.
    pub fn restart(&mut self, now: u64) {
        self.up = true;
        self.stage = Stage::Idle(now + 300);
    }
}

/// A moment passes for this worker.
pub fn tick(world: &mut World, number: usize) {
    let now = world.now;
    let worker = &mut world.workers[number];
    if !worker.up {
        return;
    }
    match &mut worker.stage {
        Stage::Idle(begins) if now >= *begins => {
            let reports = reports(world, number);
            let slow = reports.iter().any(|report| !report.grade.is_complete());
            let most = if slow && world.lossy { 1_500 } else { 300 };
            let asks = now + world.chance.between(0, most);
            world.workers[number].stage = Stage::Looking {
                began: now,
                asks,
                reports,
            };
        }
        Stage::Looking {
            began,
            asks,
            reports,
        } if now >= *asks => {
            let (began, reports) = (*began, std::mem::take(reports));
            pass(world, number, began, reports);
        }
        Stage::Acting(steps) => match steps.pop_front() {
            Some(step) => perform(world, number, step),
            None => {
                let pause = world.chance.between(300, 900);
                world.workers[number].stage = Stage::Idle(now + pause);
            }
        },
        Stage::Idle(_) | Stage::Looking { .. } => {}
    }
}

/// Asks the witnesses.
fn reports(world: &mut World, number: usize) -> Vec<Report> {
    let now = world.now;
    let lasting = |lie: Option<(Lie, u64)>| lie.filter(|(_, until)| now < *until).map(|l| l.0);
    let worker = &mut world.workers[number];
    let (dns_lie, docker_lie) = (lasting(worker.dns_lie), lasting(worker.docker_lie));
    worker.heard.retain(|_, (heard, ..)| now < *heard + EXPIRY);
    let mut reports = Vec::new();
    if world.setup.docker {
        reports.push(docker(now, &world.past, docker_lie));
    }
    let mut names = dns(now, &world.past, dns_lie, &mut world.chance);
    if world.setup.squatter
        && names.grade.is_complete()
        && let Some((squatter, _)) = world.swarm.strangers.first()
    {
        let squatter = meshworker_core::Sighting::at(address(*squatter));
        if names
            .sightings
            .iter()
            .all(|s| s.address != squatter.address)
        {
            names.sightings.push(squatter);
        }
    }
    reports.push(names);
    if world.setup.supervised {
        reports.push(announce(world.workers[number].heard.values()));
    }
    reports
}

/// What the node at this address answers the worker.
fn answer(world: &mut World, number: usize, at: IpAddr) -> Answer<Detail> {
    let Some(node) = world.database.at(last_byte(at)) else {
        return Err(Unanswered::Unreachable("nobody listens".into()));
    };
    let there = &world.database.nodes[node];
    if !world.net.worker_reaches(number, there.host) || world.lossy && world.chance.percent(1) {
        return Err(Unanswered::Timeout);
    }
    if world.now < there.started + START {
        return Err(Unanswered::Starting("it loads".into()));
    }
    let view = world.database.view(node, world.now);
    view.ok_or_else(|| Unanswered::Garbage("no cluster".into()))
}

/// Asks the members, and decides.
fn pass(world: &mut World, number: usize, began: u64, reports: Vec<Report>) {
    let named: BTreeSet<IpAddr> = reports
        .iter()
        .flat_map(|report| &report.sightings)
        .filter(|sighting| sighting.presence != Presence::OutOfSight)
        .map(|sighting| sighting.address)
        .collect();
    let answers = named.iter().map(|at| (*at, answer(world, number, *at)));
    let mut observed = Observation {
        answers: answers.collect(),
        reports,
    };
    let unlisted: Vec<IpAddr> = observed.alive().difference(&named).copied().collect();
    for at in unlisted {
        let answer = answer(world, number, at);
        observed.answers.insert(at, answer);
    }
    let worker = &mut world.workers[number];
    let context = Context {
        now: Moment(Duration::from_millis(began)),
        limits: &worker.limits,
        min_members: 1,
        orders: Orders::none(),
        seed: number as u64,
    };
    let history = std::mem::take(&mut worker.history);
    let (plan, history) = decide(&worker.engine, &context, &observed, history);
    worker.history = history;
    worker.passes += 1;
    // Without a task list nobody can tell that whoever vanished is not wished for.
    let missed = !world.setup.docker && plan.together.is_some() && !plan.unity.is_one();
    worker.told = Told {
        one: plan.unity.is_one() || missed,
        calm: (plan.pace == Pace::Calm || missed && plan.pace == Pace::Watchful)
            && plan.leavers.is_empty(),
    };
    let docker = observed.reports.iter();
    let mut docker = docker.filter(|report| report.witness == Witness::Docker);
    let knows = docker.any(|report| report.grade.is_complete());
    note_verdicts(world, number, &plan, knows);
    let ours = |at: IpAddr| {
        let answer = observed.answers.get(&at);
        answer.is_some_and(|answer| {
            let name = answer
                .as_ref()
                .ok()
                .and_then(|view| view.cluster_name.as_deref());
            name == Some(CLUSTER)
        })
    };
    let steps = plan.steps.into_iter().map(|step| {
        let introduces = step.request.introduces().is_none_or(ours);
        let to = ours(step.to);
        (step, to, introduces, world.now)
    });
    world.workers[number].stage = Stage::Acting(steps.collect());
}

/// Keeps what the members in the leave queue are told.
fn note_verdicts(world: &mut World, number: usize, plan: &Plan<Ask>, knows: bool) {
    let mut verdicts = BTreeMap::new();
    let mut holders = None;
    for leaver in &plan.leavers {
        let mut granted = None;
        if leaver.release == Release::Granted
            && let Some(node) = Database::number(&leaver.node)
            // Another cluster's node that goes takes nothing of ours along.
            && world.database.nodes[node].ours
        {
            let held = holders.get_or_insert_with(|| Rc::new(world.database.holders()));
            granted = Some(Word {
                everybody: leaver.going == Going::Everybody,
                holders: Rc::clone(held),
            });
            let others = world.database.alive().filter(|other| *other != node);
            let lag = knows.then_some(TASKS_LAG);
            let others: Vec<usize> = others.collect();
            let mut stay: BTreeMap<usize, usize> = BTreeMap::new();
            for other in others.iter().filter(|other| world.stays(**other, lag)) {
                *stay
                    .entry(world.database.nodes[*other].fragment)
                    .or_default() += 1;
            }
            let anywhere = others.iter().filter(|other| {
                let started = world.database.nodes[**other].started;
                world.says_nothing(**other) && world.now >= started + KNOWN
            });
            let slot = world.swarm.task_of(node).map_or(0, |task| task.slot);
            let grant = Grant {
                worker: number,
                node,
                going: leaver.going,
                leavers: plan.leavers.len(),
                stay: stay.into_values().max().unwrap_or_default(),
                anywhere: anywhere.count(),
                back: slot <= world.past.most_desired(),
            };
            let known = world.workers[number]
                .verdicts
                .get(&last_byte(leaver.address));
            if known.is_none_or(|(_, granted)| granted.is_none()) {
                let Grant { going, stay, .. } = &grant;
                world.story.tell(
                    world.now,
                    format_args!("worker {number} lets n{node} go: {going}, {stay} stay"),
                );
            }
            world.events.push(Event::Granted(grant));
        }
        verdicts.insert(last_byte(leaver.address), (world.now, granted));
    }
    world.workers[number].verdicts = verdicts;
}

/// Makes one step, unless it gets lost.
fn perform(world: &mut World, number: usize, (step, to_ours, introduces_ours, looked): Checked) {
    let now = world.now;
    let what = step.to_string();
    let lost = world.lossy && world.chance.percent(5);
    let node = world.database.at(last_byte(step.to)).filter(|node| {
        let node = &world.database.nodes[*node];
        !lost && world.net.worker_reaches(number, node.host) && now >= node.started + START
    });
    let Some(node) = node else {
        world
            .story
            .tell(now, format_args!("worker {number}: {what}: lost"));
        return;
    };
    let done = world
        .database
        .ask(node, &step.request, now, &mut world.chance);
    let reply = done.as_ref().map_or_else(String::as_str, |()| "ok");
    world
        .story
        .tell(now, format_args!("worker {number}: {what}: {reply}"));
    world.events.push(Event::Sent(Sent {
        what,
        to_ours,
        introduces_ours,
        stranger_obeyed: done.is_ok() && !world.database.nodes[node].ours,
    }));
    if let (Ask::Forget(name), Ok(()), Some(gone)) =
        (&step.request, &done, step_target(&step.request))
        && world.database.nodes.len() > gone
    {
        let slot = world.swarm.task_of(gone).map(|task| task.slot);
        let moved = world.swarm.live().any(|(_, task)| {
            Some(task.slot) == slot && task.state == State::Running && task.node != Some(gone)
        });
        // Whoever had an address before its last tenant is not there.
        let address = world.database.nodes[gone].address;
        let later = &world.database.nodes[gone + 1..];
        let moved = moved
            || later
                .iter()
                .any(|node| node.ours && node.address == address);
        // Only the task list knows of one that everybody has been cut off from.
        let hold = Limits::default().removal_hold;
        let cut = world.net.silent_since(world.database.nodes[gone].host);
        let cut = cut.map(|since| Duration::from_millis(now - since));
        let beyond_sight = !world.setup.docker && cut.is_some_and(|cut| cut >= hold);
        debug_assert_eq!(name, &Database::name(gone));
        world.events.push(Event::Forgot(Forgot {
            worker: number,
            looked,
            node: gone,
            alive: world.database.nodes[gone].is_alive(),
            wanted: world.swarm.wants(gone),
            beyond_sight,
            moved,
        }));
    }
}

fn step_target(ask: &Ask) -> Option<usize> {
    match ask {
        Ask::Forget(name) => Database::number(name),
        Ask::Join(_) | Ask::HandOver => None,
    }
}
