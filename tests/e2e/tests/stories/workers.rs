//! Several workers: one acts, and whatever becomes of it another one goes on.

use std::collections::BTreeSet;
use std::time::Instant;

use meshworker_e2e::{Acts, Deployment, Redis, World};
use meshworker_lab::Task;
use serde_json::Value;

/// How a worker sees the others.
#[derive(Debug)]
struct Seen {
    group: String,
    acts: bool,
    votes: usize,
    silent: usize,
}

/// One worker becomes three while the database is loaded; the one that acts is killed,
/// paused, killed with all others, and told to go; members come and go meanwhile. What an
/// operator ordered holds all the time, and nothing is lost.
pub fn three_workers(world: &World) {
    let deployment = Deployment::new(world.swarm(), &Redis, "workers", 3);
    let mut acts = Acts::begin(world, deployment, 3);
    scale(&acts.deployment, 3);
    order(&acts.deployment, &["hold", "--why", "three workers"]);

    let acting = agreed(&acts.deployment, 3);
    let began = Instant::now();
    kill(&acts.deployment, &acting);
    another_acts(&acts.deployment, &acting);
    eprintln!(
        "  {:>6.1} s  killed, and another one acts",
        began.elapsed().as_secs_f32()
    );
    shows(&acts.deployment, "three workers");
    agreed(&acts.deployment, 3);

    let acting = agreed(&acts.deployment, 3);
    let (docker, container) = locate(&acts.deployment, &acting);
    docker.pause(&container).expect("it can be paused");
    another_acts(&acts.deployment, &acting);
    docker.run(["unpause", &container]).expect("it can go on");
    agreed(&acts.deployment, 3);

    // Every one, at the same moment: they come back elsewhere, with what they kept.
    let before: BTreeSet<String> = workers(&acts.deployment)
        .into_iter()
        .map(|one| one.id)
        .collect();
    std::thread::scope(|scope| {
        for worker in workers(&acts.deployment) {
            let stack = acts.deployment.stack();
            scope.spawn(move || stack.kill_container(&worker).expect("it can be killed"));
        }
    });
    acts.deployment.wait("three other workers", || {
        let now = workers(&acts.deployment);
        let other = now.iter().filter(|one| !before.contains(&one.id)).count();
        (other == 3).then_some(()).ok_or(format!("{now:?}"))
    });
    agreed(&acts.deployment, 3);
    shows(&acts.deployment, "three workers");
    order(&acts.deployment, &["resume"]);

    // The one that acts is gone in the middle of what it does.
    let acting = agreed(&acts.deployment, 3);
    acts.act_begins();
    acts.deployment.scale(5);
    kill(&acts.deployment, &acting);
    acts.act_ends("3 => 5 members, the acting worker killed", 5, true);
    let acting = agreed(&acts.deployment, 3);
    acts.act_begins();
    acts.deployment.scale(3);
    kill(&acts.deployment, &acting);
    acts.act_ends("5 => 3 members, the acting worker killed", 3, true);

    for members in [1, 3] {
        scale(&acts.deployment, members);
    }
    acts.act_begins();
    acts.deployment
        .stack()
        .force_update("meshworker")
        .expect("the workers can be updated");
    acts.deployment.wait("the workers' update", || {
        let state = acts.deployment.stack().update_state("meshworker");
        let state = state.map_err(|error| error.to_string())?;
        state.starts_with("completed").then_some(()).ok_or(state)
    });
    agreed(&acts.deployment, 3);
    acts.act_ends("all three workers updated", 3, true);
    acts.is_whole();
}

pub fn workers(deployment: &Deployment<'_>) -> Vec<Task> {
    let running = deployment.stack().running("meshworker");
    running.expect("the manager answers")
}

pub fn locate(deployment: &Deployment<'_>, worker: &Task) -> (meshworker_lab::Docker, String) {
    let found = deployment.stack().locate(worker);
    found.expect("its container is there")
}

pub fn kill(deployment: &Deployment<'_>, worker: &Task) {
    let killed = deployment.stack().kill_container(worker);
    killed.expect("it can be killed");
}

pub fn scale(deployment: &Deployment<'_>, workers: usize) {
    let began = Instant::now();
    let scaled = deployment.stack().scale("meshworker", workers);
    scaled.expect("the workers can be scaled");
    agreed(deployment, workers);
    let seconds = began.elapsed().as_secs_f32();
    eprintln!("  {seconds:>6.1} s  {workers} workers agree");
}

/// Waits until so many workers are one group in which one acts: that one.
pub fn agreed(deployment: &Deployment<'_>, count: usize) -> Task {
    deployment.wait("workers that agree", || {
        let now = workers(deployment);
        let seen = look(deployment, &now);
        let all: Option<Vec<&Seen>> = seen.iter().map(|(_, seen)| seen.as_ref().ok()).collect();
        let groups: BTreeSet<&str> = all
            .iter()
            .flatten()
            .map(|seen| seen.group.as_str())
            .collect();
        let mut acting = seen.iter().filter(|(_, seen)| acts(seen));
        let whole = all.is_some_and(|all| {
            let whole = |seen: &&&Seen| seen.votes == count && seen.silent == 0;
            all.len() == count && all.iter().filter(whole).count() == count
        });
        match (acting.next(), acting.next()) {
            (Some((at, _)), None) if whole && groups.len() == 1 => {
                Ok(now.get(*at).cloned().ok_or("it ended")?)
            }
            _ => Err(format!("{now:?}: {seen:?}")),
        }
    })
}

/// Waits until one acts that is not this one.
pub fn another_acts(deployment: &Deployment<'_>, than: &Task) {
    deployment.wait("another worker that acts", || {
        let mut others = workers(deployment);
        others.retain(|one| one.id != than.id);
        let seen = look(deployment, &others);
        let acting = seen.iter().filter(|(_, seen)| acts(seen)).count();
        (acting == 1).then_some(()).ok_or(format!("{seen:?}"))
    });
}

fn acts(seen: &Result<Seen, String>) -> bool {
    seen.as_ref().is_ok_and(|seen| seen.acts)
}

fn look(deployment: &Deployment<'_>, workers: &[Task]) -> Vec<(usize, Result<Seen, String>)> {
    let one = |worker: &Task| {
        let address = worker.address().ok_or("it has no address yet")?;
        let api = format!("http://{address}:4748");
        let asked = ["meshworker", "group", "--json", "--api", &api];
        let said = deployment.tools().exec(&asked);
        let said = said.map_err(|error| error.to_string())?;
        let said: Value = serde_json::from_str(&said).map_err(|why| format!("{why}: {said}"))?;
        seen(&said).ok_or(format!("{said}"))
    };
    let each = workers.iter().map(one).enumerate();
    each.collect()
}

fn seen(said: &Value) -> Option<Seen> {
    // Of each worker that was asked, by its address: one was.
    let said = match said {
        Value::Array(all) => all.first()?,
        one => one,
    };
    let said = said.get("status").or(said.get(1)).unwrap_or(said);
    let members = said.get("members")?.as_array()?;
    // Whoever has gone and left its store keeps its place in the log, and has no vote.
    let votes = |member: &&Value| member["part"] == "leader" || member["part"] == "voter";
    let votes = members.iter().filter(votes);
    let silent = votes.clone().filter(|one| one["answers"] == false);
    Some(Seen {
        group: said.get("group")?.as_str()?.to_owned(),
        acts: said.get("acts")?.as_bool()?,
        votes: votes.count(),
        silent: silent.count(),
    })
}

pub fn order(deployment: &Deployment<'_>, command: &[&str]) {
    let command = [&["meshworker"], command].concat();
    let done = deployment.tools().exec(&command);
    let done = done.expect("the order is taken");
    eprintln!("          {}", done.trim());
}

/// Waits until the hold that was ordered shows, by its reason.
pub fn shows(deployment: &Deployment<'_>, why: &str) {
    deployment.wait("the hold that was ordered", || {
        let shown = deployment.tools().exec(&["meshworker", "status"]);
        let shown = shown.map_err(|error| error.to_string())?;
        shown.contains(why).then_some(()).ok_or(shown)
    });
}
