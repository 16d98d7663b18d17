//! A random mix of what can become of workers, while a database is loaded.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use meshworker_e2e::{Acts, Deployment, Redis, World};
use meshworker_lab::Task;
use meshworker_lab::images::Image;

use crate::forty_acts::{Random, acts_of, seed};
use crate::planned::stack_file;
use crate::workers::{agreed, another_acts, kill, locate, order, scale, shows, workers};

/// So many acts, unless the environment says otherwise.
const ACTS: u64 = 100;
/// Far longer than they take, whatever else this machine does.
const AGREE: Duration = Duration::from_secs(600);

/// What is done to the workers.
#[derive(Debug, Clone, Copy)]
enum Act {
    ActingKilled,
    AnotherKilled,
    AllKilled,
    ActingPaused,
    ActingCutOff,
    ActingWiped,
    Updated,
    HandedOver,
    Scaled(usize),
}

/// One hundred random acts on the workers: after each of them all are one group in which
/// one acts, what was ordered before it holds, and in the end nothing is lost.
pub fn random_acts(world: &World) {
    let _whole = world.nodes_whole();
    let (seed, count) = (seed(), acts_of(ACTS));
    let files = [stack_file(&Redis)];
    let env = [("WORKERS", "3")];
    let deployment = Deployment::with(world.swarm(), &Redis, "workers-acts", 6, &files, &env);
    let name = deployment.stack().name().to_owned();
    eprintln!("  {name}: {count} acts, MESHWORKER_SEED={seed}");
    let mut acts = Acts::begin(world, deployment, 6);
    acts.deployment.set_patience(AGREE);
    let mut random = Random(seed);
    let mut size = 3;
    agreed(&acts.deployment, size);
    for number in 0..count {
        let why = format!("before act {number}");
        order(&acts.deployment, &["hold", "--why", &why]);
        let act = choose(&mut random, size);
        let began = Instant::now();
        if let Act::Scaled(to) = act {
            size = to;
        }
        perform(&acts.deployment, act, size);
        agreed(&acts.deployment, size);
        shows(&acts.deployment, &why);
        order(&acts.deployment, &["resume"]);
        let seconds = began.elapsed().as_secs_f32();
        eprintln!("  {seconds:>6.1} s  act {number}: {act:?}, {size} workers agree");
    }
    acts.act_begins();
    acts.act_ends("after all of them", 6, true);
    acts.is_whole();
    let log = acts.deployment.worker_log();
    assert!(!log.contains("panicked"), "a worker broke:\n{log}");
}

fn choose(random: &mut Random, size: usize) -> Act {
    let several = size > 1;
    match random.below(10) {
        0 => Act::AllKilled,
        1 if several => Act::AnotherKilled,
        2 if several => Act::ActingPaused,
        3 if several => Act::ActingCutOff,
        4 if several => Act::ActingWiped,
        5 => Act::Updated,
        6 if several => Act::HandedOver,
        7 | 8 => {
            let others: Vec<usize> = [1, 3, 5].into_iter().filter(|to| *to != size).collect();
            Act::Scaled(if random.below(2) == 0 {
                others[0]
            } else {
                others[1]
            })
        }
        _ => Act::ActingKilled,
    }
}

fn perform(deployment: &Deployment<'_>, act: Act, size: usize) {
    match act {
        Act::Scaled(to) => scale(deployment, to),
        Act::ActingKilled => {
            let acting = agreed(deployment, size);
            kill(deployment, &acting);
            replaced(deployment, &[acting], size);
        }
        Act::AnotherKilled => {
            let acting = agreed(deployment, size);
            let mut others = workers(deployment).into_iter();
            let other = others.find(|one| one.id != acting.id);
            let other = other.expect("there are several");
            kill(deployment, &other);
            replaced(deployment, &[other], size);
        }
        Act::AllKilled => {
            let all = workers(deployment);
            std::thread::scope(|scope| {
                for worker in &all {
                    scope.spawn(move || kill(deployment, worker));
                }
            });
            replaced(deployment, &all, size);
        }
        Act::ActingPaused => {
            let acting = agreed(deployment, size);
            let (docker, container) = locate(deployment, &acting);
            docker.pause(&container).expect("it can be paused");
            another_acts(deployment, &acting);
            docker.run(["unpause", &container]).expect("it can go on");
        }
        Act::ActingCutOff => cut_off(deployment, size),
        Act::ActingWiped => wipe(deployment, size),
        Act::Updated => {
            let updated = deployment.stack().force_update("meshworker");
            updated.expect("the workers can be updated");
            deployment.wait("the workers' update", || {
                let state = deployment.stack().update_state("meshworker");
                let state = state.map_err(|error| error.to_string())?;
                state.starts_with("completed").then_some(()).ok_or(state)
            });
        }
        Act::HandedOver => {
            let acting = agreed(deployment, size);
            order(deployment, &["group", "hand-over"]);
            another_acts(deployment, &acting);
        }
    }
}

/// The one that acts is cut off from everybody until another one acts, and comes back.
fn cut_off(deployment: &Deployment<'_>, size: usize) {
    let acting = agreed(deployment, size);
    let swarm = deployment.swarm;
    swarm.cut_container(&acting).expect("it can be cut off");
    another_acts(deployment, &acting);
    swarm.heal_container(&acting).expect("it can come back");
}

/// The one that acts loses its store while it runs, and is killed: it is another voter then.
fn wipe(deployment: &Deployment<'_>, size: usize) {
    let acting = agreed(deployment, size);
    let mut others = workers(deployment);
    others.retain(|one| one.id != acting.id && one.node_id == acting.node_id);
    // With two of three stores the group itself would be lost.
    if !others.is_empty() {
        return;
    }
    let (docker, _) = locate(deployment, &acting);
    let volume = format!("{}:/state", deployment.stack().full("meshworker-state"));
    let image = Image::Tools.reference();
    let wiped = docker.run([
        "run",
        "--rm",
        "--network",
        "none",
        "--volume",
        &volume,
        "--entrypoint",
        "sh",
        image,
        "-c",
        "rm -rf /state/*",
    ]);
    wiped.expect("the volume can be wiped");
    kill(deployment, &acting);
    replaced(deployment, &[acting], size);
}

/// Waits until others run in place of these.
fn replaced(deployment: &Deployment<'_>, gone: &[Task], size: usize) {
    let gone: BTreeSet<&str> = gone.iter().map(|one| one.id.as_str()).collect();
    deployment.wait("other workers", || {
        let now = workers(deployment);
        let others = now.iter().filter(|one| !gone.contains(one.id.as_str()));
        let done = now.len() == size && others.count() == size;
        done.then_some(()).ok_or(format!("{now:?}"))
    });
}
