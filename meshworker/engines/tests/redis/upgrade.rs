//! From one version to the next, with a second server that a variable names: by hand,
//! `MESHWORKER_REDIS_NEWER=/path/to/redis-server cargo test -p meshworker-engines upgrade`.
use std::path::PathBuf;
use std::time::Duration;

use meshworker_conformance::{Driver, World};
use meshworker_core::{Place, Plan, Reason};
use meshworker_engines::redis::RedisRequest;
use tokio::time::{Instant, sleep};

use crate::load::{Load, keys};
use crate::servers::Servers;
use crate::worker::Worker;

/// The newer server, where there is one.
fn newer() -> Option<PathBuf> {
    let newer = std::env::var_os("MESHWORKER_REDIS_NEWER").map(PathBuf::from);
    if newer.is_none() {
        eprintln!("skipped: MESHWORKER_REDIS_NEWER names no newer redis-server");
    }
    newer
}

fn one_way(plan: &Plan<RedisRequest>) -> Option<String> {
    let mut refusals = plan.refusals.iter();
    refusals.find_map(|refusal| {
        let typed = matches!(refusal.reason, Reason::OneWay { .. });
        typed.then(|| refusal.to_string())
    })
}

/// Lets this member go, and starts another one in its place.
async fn replace(servers: &mut Servers, worker: &mut Worker, load: &Load, goes: Place) -> Place {
    worker.leaving.insert(goes);
    let begin = Instant::now();
    loop {
        let (plan, granted) = worker.pass().await;
        if granted.contains(&goes) {
            break;
        }
        let patience = servers.patience();
        assert!(begin.elapsed() < patience, "{plan:#?}\n{}", worker.story);
        sleep(Duration::from_millis(50)).await;
    }
    load.without(goes);
    servers.kill(goes).await;
    let comes = servers.start_one(None).await;
    worker.listed.retain(|other| *other != goes);
    worker.leaving.remove(&goes);
    worker.listed.push(comes);
    comes
}

async fn until_one(servers: &Servers, worker: &mut Worker) {
    let begin = Instant::now();
    loop {
        let (plan, _) = worker.pass().await;
        if plan.unity.is_one() && plan.settled {
            return;
        }
        let patience = 2 * servers.patience();
        assert!(begin.elapsed() < patience, "{plan:#?}\n{}", worker.story);
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn three_masters_become_newer_ones_and_none_goes_back_unsaid() {
    let (Some(mut servers), Some(newer)) = (Servers::with_replicas(0), newer()) else {
        return;
    };
    let old = servers.program.clone();
    let nodes = servers.start(3).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;
    let load = Load::begin(&nodes, keys(500)).await;
    let mut worker = Worker::new(servers.engine(), &nodes);
    servers.program = newer;
    for (number, node) in nodes.iter().rev().enumerate() {
        let comes = replace(&mut servers, &mut worker, &load, *node).await;
        if number == 0 {
            // Before it has a slot.
            let (plan, _) = worker.pass().await;
            let said = one_way(&plan).unwrap_or_else(|| panic!("{plan:#?}"));
            let last = format!("{comes} owns no slot yet, and this is the last moment to go back");
            assert!(said.contains(&last), "{said}");
        }
        until_one(&servers, &mut worker).await;
        load.members.lock().unwrap().push(comes);
    }
    let (plan, _) = worker.pass().await;
    assert_eq!(one_way(&plan), None, "{plan:#?}");

    // One of the old version comes back: it is in the cluster, and gets nothing.
    servers.program = old;
    let goes = worker.listed[2];
    let back = servers.start_one(None).await;
    worker.listed.push(back);
    worker.leaving.insert(goes);
    let begin = Instant::now();
    loop {
        let (plan, granted) = worker.pass().await;
        assert_eq!(granted, Vec::<Place>::new());
        if one_way(&plan).is_some_and(|said| said.contains("a rollback would end")) {
            break;
        }
        let patience = servers.patience();
        assert!(begin.elapsed() < patience, "{plan:#?}\n{}", worker.story);
        sleep(Duration::from_millis(50)).await;
    }
    load.end().await;
}
