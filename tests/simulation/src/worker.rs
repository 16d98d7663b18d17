//! A worker: looks, decides and acts as the daemon does, one small step at a
//! time, so that it can be stopped between any two.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use meshworker_core::{
    Answer, Context, Going, Leaver, Limits, Member, Mind, Moment, Observation, Pace, Place, Plan,
    Presence, Release, Report, Request, Roster, Step, StepKind, Thought, Unanswered, Unity,
    Witness,
};

use crate::event::{Event, Forgot, Grant, Sent, Taken};
use crate::model::{Asker, CLUSTER, Detail, Model, Process, Request as RequestOf};
use crate::relapse::Relapsed;
use crate::swarm::{Phase, State, Task, Word};
use crate::witnesses::{Lie, announce, dns, docker};
use crate::world::{HEARD, World};
use crate::{address, last_byte};

/// An announcement is good for this long.
const EXPIRY: u64 = 5_000;

/// The task list may be so old when a worker reads it and decides.
pub const TASKS_LAG: u64 = 4_500;

/// Whoever runs for so long is listed, and answers.
pub const ANSWERS: u64 = 1_000;

/// Whoever runs for so long is known to the witnesses.
const KNOWN: u64 = 4_000;

/// A step, and whether its addresses answered as ours when the worker looked.
type Checked<M> = (Step<RequestOf<M>>, bool, bool, u64);

#[derive(Debug)]
enum Stage<M: Model> {
    /// The next pass begins then.
    Idle(u64),
    /// The witnesses have spoken; the members are asked then.
    Looking {
        began: u64,
        asks: u64,
        reports: Vec<Report>,
    },
    /// The steps that are still to be made.
    Acting(VecDeque<Checked<M>>),
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
pub struct Worker<M: Model> {
    /// Its number, from 0.
    pub number: usize,
    /// Whether it runs.
    pub up: bool,
    /// What it said last.
    pub told: Told,
    /// What it said last, in words.
    pub said: Vec<String>,
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
    planner: Relapsed<M::Planner>,
    mind: Mind,
    stage: Stage<M>,
}

impl<M: Model> Worker<M> {
    /// A worker whose first pass begins then.
    pub fn new(number: usize, planner: Relapsed<M::Planner>, begins: u64) -> Worker<M> {
        Worker {
            number,
            up: true,
            told: Told::default(),
            said: Vec::new(),
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
            planner,
            mind: Mind::default(),
            stage: Stage::Idle(begins),
        }
    }

    /// It dies, and forgets everything.
    pub fn crash(&mut self) {
        self.up = false;
        self.told = Told::default();
        self.heard.clear();
        self.verdicts.clear();
        self.mind = Mind::default();
    }

    /// It starts again.
    pub fn restart(&mut self, now: u64) {
        self.up = true;
        self.stage = Stage::Idle(now + 300);
    }
}

/// A moment passes for this worker.
pub fn tick<M: Model>(world: &mut World<M>, number: usize) {
    let now = world.now;
    let worker = &mut world.workers[number];
    if !worker.up {
        return;
    }
    match &mut worker.stage {
        Stage::Idle(begins) if now >= *begins => {
            look(world, number);
        }
        Stage::Looking {
            began,
            asks,
            reports,
        } if now >= *asks => {
            let (began, reports) = (*began, std::mem::take(reports));
            pass(world, number, began, reports);
        }
        Stage::Acting(_) if world.database.is_at_work_for(number) => {}
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

/// Begins to look: asks the witnesses, and the members a little later.
fn look<M: Model>(world: &mut World<M>, number: usize) {
    let began = world.now;
    let reports = reports(world, number);
    let slow = reports.iter().any(|report| !report.grade.is_complete());
    let most = if slow && world.lossy { 1_500 } else { 300 };
    let asks = began + world.chance.between(0, most);
    world.workers[number].stage = Stage::Looking {
        began,
        asks,
        reports,
    };
}

/// Asks the witnesses.
fn reports<M: Model>(world: &mut World<M>, number: usize) -> Vec<Report> {
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
        reports.push(announce(&world.workers[number].heard));
    }
    if let Some(relapse) = world.setup.relapse {
        relapse.hear(&mut reports);
    }
    world.database.name(&mut reports);
    reports
}

/// What the node at this address answers the worker.
fn answer<M: Model>(world: &mut World<M>, number: usize, at: Place) -> Answer<Detail<M>> {
    let Some(node) = world.database.at(last_byte(at)) else {
        return Err(Unanswered::Unreachable("nobody listens".into()));
    };
    let host = world.database.processes()[node].host;
    if !world.net.worker_reaches(number, host) || world.lossy && world.chance.percent(1) {
        return Err(Unanswered::Timeout);
    }
    world.database.answer(node, world.now)
}

/// Asks the members, and decides.
fn pass<M: Model>(world: &mut World<M>, number: usize, began: u64, reports: Vec<Report>) {
    let named: BTreeSet<Place> = reports
        .iter()
        .flat_map(|report| &report.sightings)
        .filter(|sighting| sighting.presence != Presence::OutOfSight)
        .map(|sighting| sighting.address)
        .collect();
    let roster = Roster::merge(&reports, &BTreeSet::new());
    let mut asked = |at: Place| {
        let vouched = || roster.at(at).is_some_and(Member::is_vouched);
        match !M::VOUCHED_ONLY || vouched() {
            true => answer(world, number, at),
            false => Err(Unanswered::Denied("nobody vouches for it".into())),
        }
    };
    let answers = named.iter().map(|at| (*at, asked(*at))).collect();
    let mut observed = Observation::of(reports, answers);
    let unlisted: Vec<Place> = observed.alive().difference(&named).copied().collect();
    for at in unlisted {
        observed.answers.insert(at, asked(at));
    }
    let worker = &mut world.workers[number];
    let limits = worker.planner.limits(&worker.limits);
    let context = Context {
        seed: number as u64,
        ..Context::alone(Moment(Duration::from_millis(began)), &limits)
    };
    let thought = worker
        .mind
        .consider(&worker.planner, &context, &observed, true);
    let Thought::Decided(plan) = thought else {
        look(world, number);
        return;
    };
    worker.passes += 1;
    let said = plan.refusals.iter();
    worker.said = said
        .map(|refusal| format!("{}: {}", refusal.what, refusal.reason))
        .collect();
    worker.said.push(plan.unity.to_string());
    // Without a task list nobody can tell that whoever vanished is not wished for.
    let missed = !world.setup.docker && plan.together.is_some() && !plan.unity.is_one();
    // Another cluster's member under our name keeps it from being as it should be.
    let missed = missed || !world.setup.docker && world.setup.squatter;
    // What was lost is told until a person acknowledges it, and nobody does here.
    let missed = missed || matches!(plan.unity, Unity::Bereft { .. });
    worker.told = Told {
        one: plan.unity.is_one() || missed,
        calm: (plan.pace == Pace::Calm || missed && plan.steps.is_empty())
            && plan.leavers.is_empty(),
    };
    let docker = observed.reports.iter();
    let mut docker = docker.filter(|report| report.witness == Witness::Docker);
    let knows = docker.any(|report| report.grade.is_complete());
    let answers = |leaver: &&Leaver| matches!(observed.answers.get(&leaver.address), Some(Ok(_)));
    let heard = plan.leavers.iter().filter(answers).count();
    note_verdicts(world, number, &plan, knows, heard);
    note_taking(world, number, &plan, knows, heard);
    let ours = |at: Place| {
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
fn note_verdicts<M: Model>(
    world: &mut World<M>,
    number: usize,
    plan: &Plan<RequestOf<M>>,
    knows: bool,
    heard: usize,
) {
    let mut verdicts = BTreeMap::new();
    let mut holders = None;
    for leaver in &plan.leavers {
        let mut granted = None;
        let there = world.database.at(last_byte(leaver.address));
        let mut tasks = world.swarm.tasks.iter_mut();
        if let Some(task) = tasks.find(|task| there.is_some() && task.node == there) {
            task.let_go |= leaver.release.is_granted();
        }
        if leaver.release == Release::Granted
            && let Some(node) = there
            // Another cluster's node that goes takes nothing of ours along.
            && world.database.processes()[node].ours
            // Nor does one that was never in.
            && !world.database.is_outside(node, world.now)
        {
            let held = holders.get_or_insert_with(|| Rc::new(world.database.holders()));
            granted = Some(Word {
                everybody: leaver.going == Going::Everybody,
                holders: Rc::clone(held),
            });
            let (stay, back) = stay(world, node, knows, true);
            let others = world.database.alive().into_iter().filter(|at| *at != node);
            // An only one that is new and knows nobody is none to stay with.
            let only = world.past.most_desired() <= 1;
            let anywhere = others.filter(|other| {
                let started = world.database.processes()[*other].started;
                world.says_nothing(*other)
                    && world.now >= started + KNOWN
                    && !(only && world.database.is_outside(*other, world.now))
            });
            let grant = Grant {
                worker: number,
                node,
                going: leaver.going,
                leavers: heard,
                stay,
                anywhere: anywhere.count(),
                back,
                floor: M::FLOOR,
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

/// How many others run and are to stay, in truth, those in one cluster or all of them,
/// and whether the member's own place is still to be filled.
fn stay<M: Model>(world: &World<M>, node: usize, knows: bool, as_one: bool) -> (usize, bool) {
    let lag = knows.then_some(TASKS_LAG);
    let slot = world.swarm.task_of(node).map_or(0, |task| task.slot);
    // What the one in its place said of itself last is heard for a while.
    let takes = |task: &Task| {
        let is_there = task.state != State::Exited || world.now < task.exited + HEARD;
        let other = task.node.is_some() && task.node != Some(node);
        task.slot == slot && other && task.phase == Phase::Present && is_there
    };
    let back = slot <= world.past.most_desired() || world.swarm.tasks.iter().any(takes);
    let mut stay: BTreeMap<usize, usize> = BTreeMap::new();
    for other in world.database.alive() {
        if other != node && (world.stays(other, lag) || back && world.waits_for_successor(other)) {
            let group = if as_one {
                world.database.group(other)
            } else {
                0
            };
            *stay.entry(group).or_default() += 1;
        }
    }
    (stay.into_values().max().unwrap_or_default(), back)
}

/// Notes what is taken from members that wait for their turn.
fn note_taking<M: Model>(
    world: &mut World<M>,
    number: usize,
    plan: &Plan<RequestOf<M>>,
    knows: bool,
    heard: usize,
) {
    for step in &plan.steps {
        let mut leavers = plan.leavers.iter();
        let leaver = leavers.find(|leaver| leaver.address == step.to);
        if step.request.kind() != StepKind::Leave || !M::takes(&step.request) {
            continue;
        }
        let Some(leaver) = leaver.filter(|leaver| leaver.going != Going::Everybody) else {
            continue;
        };
        let Some(node) = world.database.at(last_byte(step.to)) else {
            continue;
        };
        // Who runs under a supervisor waits, whether or not it has been told to go yet.
        let task = world.swarm.task_of(node);
        let waits = task.is_some_and(|task| task.phase != Phase::Stopping);
        if !(leaver.patient || world.setup.supervised && waits) {
            continue;
        }
        let (stay, back) = stay(world, node, knows, false);
        let presumed = leaver.going == Going::Unclear && heard == 1;
        world.events.push(Event::Taken(Taken {
            worker: number,
            what: step.to_string(),
            node,
            stay: stay + usize::from(back || presumed),
            floor: M::FLOOR,
        }));
    }
}

/// Makes one step, unless it gets lost.
fn perform<M: Model>(
    world: &mut World<M>,
    number: usize,
    (step, to_ours, introduces_ours, looked): Checked<M>,
) {
    let now = world.now;
    let what = step.to_string();
    let lost = world.lossy && world.chance.percent(5);
    let node = world.database.at(last_byte(step.to)).filter(|node| {
        let host = world.database.processes()[*node].host;
        !lost && world.net.worker_reaches(number, host) && world.database.answer(*node, now).is_ok()
    });
    let Some(node) = node else {
        world
            .story
            .tell(now, format_args!("worker {number}: {what}: lost"));
        return;
    };
    let forgets = world.database.forgets(node, &step.request);
    let asker = Asker {
        worker: number,
        now,
        looked,
        net: &world.net,
    };
    let done = world
        .database
        .ask(node, &step.request, asker, &mut world.chance);
    let reply = done.as_ref().map_or_else(String::as_str, |()| "ok");
    world
        .story
        .tell(now, format_args!("worker {number}: {what}: {reply}"));
    world.events.push(Event::Sent(Sent {
        what,
        to_ours,
        introduces_ours,
        stranger_obeyed: done.is_ok() && !world.database.processes()[node].ours,
    }));
    if done.is_err() {
        return;
    }
    for gone in forgets {
        let forgot = forgotten(world, number, gone, looked);
        world.events.push(Event::Forgot(forgot));
    }
}

/// What is true of a node that another one is made to forget.
fn forgotten<M: Model>(world: &World<M>, number: usize, gone: usize, looked: u64) -> Forgot {
    let slot = world.swarm.task_of(gone).map(|task| task.slot);
    let moved = world.swarm.live().any(|(_, task)| {
        Some(task.slot) == slot && task.state == State::Running && task.node != Some(gone)
    });
    // Whoever had an address before its last tenant is not there; and who came back with
    // the id of the one that is removed, since the worker looked, is no further one.
    let Process {
        address, started, ..
    } = world.database.processes()[gone];
    let later = &world.database.processes()[gone + 1..];
    let moved = moved
        || started > looked
        || later
            .iter()
            .any(|node| node.ours && node.address == address);
    Forgot {
        worker: number,
        looked,
        node: gone,
        // Of one that has just started nobody could know when the worker looked.
        alive: world.database.runs(gone) && looked >= started + ANSWERS,
        wanted: world.swarm.wants(gone),
        beyond_sight: is_beyond_sight(world, gone) || is_back_since(world, gone, looked),
        moved,
    }
}

/// Whether this node came back in sight only after the worker had looked, or a moment
/// before: it takes a record and an announcement as long as with one that has just started.
fn is_back_since<M: Model>(world: &World<M>, gone: usize, looked: u64) -> bool {
    let host = world.database.processes()[gone].host;
    !world.setup.docker && looked < world.net.back[host] + ANSWERS
}

/// Whether nobody could tell this node from one that is gone. Only the task list
/// knows of one that everybody has been cut off from; but when as many are cut off
/// as are left, or more, that is no reason to forget them for a long while.
fn is_beyond_sight<M: Model>(world: &World<M>, gone: usize) -> bool {
    let host = world.database.processes()[gone].host;
    let lost = |host: usize| world.net.lost_since(host);
    let Some(since) = lost(host) else {
        return false;
    };
    let silent = Duration::from_millis(world.now - since);
    let limits = &world.workers[0].limits;
    // Whoever started beyond a cut is known to nobody on this side, and of whoever was let
    // go nobody there is missed.
    let let_go = |node: usize| world.swarm.task_of(node).is_some_and(|task| task.let_go);
    let away = |node: usize| lost(world.database.processes()[node].host).is_some();
    let alive = world.database.alive().into_iter();
    let alive = alive.filter(|node| !(let_go(*node) && away(*node)));
    let alive = alive.map(|at| &world.database.processes()[at]);
    let known = alive.filter(|node| lost(node.host).is_none_or(|since| node.started < since));
    let known: Vec<_> = known.collect();
    let away = known.iter().filter(|node| lost(node.host).is_some());
    let most = 2 * away.count() >= known.len();
    let hold = match most {
        true => limits.mass_vanish_hold,
        false => limits.removal_hold,
    };
    !world.setup.docker && silent >= hold
}
