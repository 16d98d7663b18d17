//! Crashes of all kinds, of two loaded databases at the same time.

use std::time::Duration;

use meshworker_e2e::{Acts, Aerospike, Database, Deployment, Load, Mended, Redis, World};
use meshworker_lab::{Swarm, Task};

use crate::planned::{is_countable, stack_file};

/// Swarm notices after a quarter of a minute.
const NOTICED: Duration = Duration::from_secs(300);
/// So long there is no worker at all: for several passes, and longer than a member's patience with its last answer.
const WITHOUT_WORKERS: Duration = Duration::from_secs(10);
/// Longer than a leaver waits before it decides alone.
const A_MINUTE: Duration = Duration::from_secs(60);

/// A database under test, and what it may lose.
struct Subject<'a> {
    acts: Acts<'a>,
    members: usize,
    /// How many of the members one node has.
    per_node: usize,
    /// Numbers of writes that were acknowledged about when a master may have
    /// died: Redis acknowledges before its replicas have a write.
    excused: Vec<(u64, u64)>,
}

/// A container is killed, a node is killed, and for a while no worker lives.
/// What is alive is never forgotten, what had a second copy is never lost, and
/// there is one clean cluster in the end.
pub fn crashes(world: &World) {
    let swarm = world.swarm();
    of_both(world, |subjects| {
        containers_killed(subjects);
        check(subjects);
        a_node_killed(swarm, subjects);
        check(subjects);
        no_workers(subjects, WITHOUT_WORKERS);
    });
}

/// A node is cut off until its swarm has given it up, and then healed: nobody
/// who is alive on the other side is forgotten, and nothing is lost.
pub fn a_node_cut_off(world: &World) {
    of_both(world, |subjects| cut_off(world.swarm(), subjects));
}

/// No worker lives for a minute, and a member is killed meanwhile.
pub fn a_minute_without_workers(world: &World) {
    of_both(world, |subjects| no_workers(subjects, A_MINUTE));
}

fn of_both(world: &World, story: impl FnOnce(&mut [Subject<'_>])) {
    let _alone = world.nodes_alone();
    let aerospike = Aerospike::default();
    let databases: [(&dyn Database, usize); 2] = [(&Redis, 6), (&aerospike, 3)];
    let mut subjects: Vec<Subject<'_>> = databases
        .into_iter()
        .filter(|(database, _)| is_countable(*database))
        .map(|(database, members)| begin(world, database, members))
        .collect();
    story(&mut subjects);
    check(&mut subjects);
}

fn begin<'a>(world: &'a World, database: &'a dyn Database, members: usize) -> Subject<'a> {
    let share = World::test_stack(&format!("crash-{}.yml", database.name()));
    let files = [stack_file(database), share];
    let swarm = world.swarm();
    let deployment = Deployment::with(swarm, database, "crash", members, &files, &[]);
    let acts = Acts::begin(world, deployment, members);
    Subject {
        acts,
        members,
        per_node: members / swarm.size(),
        excused: Vec::new(),
    }
}

/// Does damage that may kill masters. What was acknowledged from a second
/// before it to a second after it may have been on its way to a replica.
fn damage<'a>(subjects: &mut [Subject<'a>], act: impl FnOnce(&mut [Subject<'a>])) {
    let second = Load::writes_in(1);
    let acknowledged = |subjects: &mut [Subject<'a>]| -> Vec<u64> {
        let each = subjects.iter_mut();
        each.map(|subject| subject.acts.acknowledged()).collect()
    };
    let before = acknowledged(subjects);
    for subject in &mut *subjects {
        subject.acts.act_begins();
    }
    act(subjects);
    let after = acknowledged(subjects);
    for (subject, (before, after)) in subjects.iter_mut().zip(before.into_iter().zip(after)) {
        // The simulator acknowledges what all copies have.
        if subject.acts.deployment.database.keeps_data() {
            let window = (before.saturating_sub(second), after + second);
            subject.excused.push(window);
        }
    }
}

/// One member of each, the one in the first slot; returns the lost tasks.
fn kill_first(subjects: &mut [Subject<'_>]) -> Vec<String> {
    let mut victims = Vec::new();
    for subject in subjects {
        let victim = subject.acts.deployment.members().remove(0);
        let killed = subject.acts.deployment.stack().kill_container(&victim);
        killed.expect("the container can be killed");
        victims.push(victim.id);
    }
    victims
}

/// Waits until other tasks run in the place of these, in one clean cluster.
fn replaced(subjects: &mut [Subject<'_>], victims: &[String], name: &str) {
    for (subject, victim) in subjects.iter_mut().zip(victims) {
        let members = subject.members;
        let deployment = &subject.acts.deployment;
        deployment.wait("another task", || {
            let now = deployment.members();
            let done = now.len() == members && now.iter().all(|task| task.id != *victim);
            done.then_some(()).ok_or(format!("{now:?}"))
        });
        subject.acts.act_ends(name, members, true);
    }
}

fn containers_killed(subjects: &mut [Subject<'_>]) {
    let mut victims = Vec::new();
    damage(subjects, |subjects| victims = kill_first(subjects));
    replaced(subjects, &victims, "a container killed");
}

/// A node other than the manager, and the one of them with the fewest masters: after a fail-over two of three may be on
/// one node, and with it the majority is lost. Then nothing moves until it is back, which is Redis' own rule.
fn a_node_to_lose(swarm: &Swarm, subjects: &[Subject<'_>]) -> usize {
    let lost: Vec<usize> = subjects
        .iter()
        .flat_map(|subject| {
            let deployment = &subject.acts.deployment;
            let masters = deployment.becomes_clean(subject.members).masters;
            let is_one = |task: &Task| task.address().is_some_and(|own| masters.contains(&own));
            let members = deployment.members().into_iter();
            members
                .filter(is_one)
                .filter_map(|task| swarm.index_of(&task.node_id))
                .collect::<Vec<_>>()
        })
        .collect();
    let masters_on = |node: &usize| lost.iter().filter(|other| *other == node).count();
    let chosen = (2..=swarm.size()).rev().min_by_key(masters_on);
    chosen.expect("there are several nodes")
}

fn a_node_killed(swarm: &Swarm, subjects: &mut [Subject<'_>]) {
    let node = a_node_to_lose(swarm, subjects);
    let mended = Mended::new(swarm, node);
    damage(subjects, |_| {
        swarm.kill(node).expect("the node can be killed");
    });
    swarm.wait_ready(2, NOTICED).expect("the manager notices");
    for subject in &mut *subjects {
        // Whether the dead are forgotten by now does not matter: the others
        // are one cluster with all data.
        let left = subject.members - subject.per_node;
        subject.acts.act_ends("a node killed", left, false);
    }
    check(subjects);
    for subject in &mut *subjects {
        subject.acts.act_begins();
    }
    drop(mended);
    for subject in subjects {
        let members = subject.members;
        subject.acts.act_ends("the node comes back", members, true);
    }
}

fn cut_off(swarm: &Swarm, subjects: &mut [Subject<'_>]) {
    let before: Vec<_> = nodes(subjects);
    let node = a_node_to_lose(swarm, subjects);
    let mended = Mended::new(swarm, node);
    damage(subjects, |_| {
        swarm.cut(node).expect("the node can be cut off");
    });
    swarm.wait_ready(2, NOTICED).expect("the manager notices");
    for subject in &mut *subjects {
        let left = subject.members - subject.per_node;
        subject.acts.act_ends("a node cut off", left, false);
    }
    for subject in &mut *subjects {
        subject.acts.act_begins();
    }
    drop(mended);
    for subject in &mut *subjects {
        let members = subject.members;
        subject.acts.act_ends("and healed", members, true);
        // What ran there before is on its way out, and needs a worker's leave.
        subject.acts.deployment.settles(members);
    }
    for ((before, after), subject) in before.iter().zip(nodes(subjects)).zip(&*subjects) {
        let kept = before.intersection(&after).count();
        assert!(
            kept >= subject.members - subject.per_node,
            "those that were never cut off stay: {before:?} {after:?}"
        );
    }
}

fn no_workers(subjects: &mut [Subject<'_>], time: Duration) {
    let before = nodes(subjects);
    for subject in &mut *subjects {
        subject.acts.act_begins();
        let deployment = &subject.acts.deployment;
        let scaled = deployment.stack().scale("meshworker", 0);
        scaled.expect("the worker can be scaled");
        deployment.wait("no worker", || {
            let running = deployment.stack().running("meshworker");
            let running = running.map_err(|error| error.to_string())?.len();
            (running == 0).then_some(()).ok_or(format!("{running} run"))
        });
    }
    // The time is the scenario itself, not a wait for something.
    std::thread::sleep(time);
    for (subject, before) in subjects.iter_mut().zip(before) {
        let members = subject.members;
        let name = "no worker for a while";
        subject.acts.act_ends(name, members, true);
        let after = subject.acts.deployment.look(members);
        let after = after.map(|cluster| cluster.nodes);
        assert_eq!(after, Ok(before), "nobody went, and nobody came");
    }
    // Now each has to bring a member back that no worker saw go.
    let mut victims = Vec::new();
    damage(subjects, |subjects| victims = kill_first(subjects));
    for subject in &*subjects {
        let stack = subject.acts.deployment.stack();
        let scaled = stack.scale("meshworker", 1);
        scaled.expect("the worker can be scaled");
    }
    replaced(
        subjects,
        &victims,
        "a container killed unseen, a worker after",
    );
}

/// The members of each by their own ids.
fn nodes(subjects: &[Subject<'_>]) -> Vec<std::collections::BTreeSet<String>> {
    let clean = |subject: &Subject<'_>| subject.acts.deployment.becomes_clean(subject.members);
    subjects
        .iter()
        .map(|subject| clean(subject).nodes)
        .collect()
}

/// All records are there, and all acknowledged writes but those that were on
/// their way to a replica when their master died.
fn check(subjects: &mut [Subject<'_>]) {
    for subject in subjects {
        let verified = subject.acts.verify();
        let is_excused = |lost: &(u64, u64)| {
            let within = |(first, last): &(u64, u64)| *first <= lost.0 && lost.1 <= *last;
            subject.excused.iter().any(within)
        };
        let lost = &verified.acknowledged_lost_ranges;
        eprintln!(
            "  {}: {} of {} records, {} of {} acknowledged writes lost within a second of a crash",
            subject.acts.deployment.stack().name(),
            verified.found,
            verified.records,
            verified.acknowledged_lost,
            verified.acknowledged
        );
        assert_eq!(verified.found, verified.records, "{verified:?}");
        assert!(lost.iter().all(is_excused), "{verified:?}");
    }
}
