//! Keys that were deleted, and members that crash.

use std::time::Duration;

use meshworker_conformance::{Driver, World};
use meshworker_engines::Engine;
use tokio::time::{Instant, sleep};

use crate::servers::Servers;
use crate::worker::Worker;

const KEYS: usize = 600;
const REST: Duration = Duration::from_millis(50);

/// A member that had been emptied, had followed another one and was reset loaded
/// its former master's keys when it crashed.
#[tokio::test]
async fn deleted_keys_came_back_after_a_crash() {
    // As deployed before these two lines were in the stack's configuration.
    crash_after_an_update(&[], &["cluster-allow-replica-migration yes"]).await;
}

#[tokio::test]
async fn deleted_keys_stay_away_where_the_user_must_not_run_scripts() {
    let user = "user default on nopass ~* &* +@all -eval";
    crash_after_an_update(&[user], &["cluster-allow-replica-migration yes"]).await;
}

async fn crash_after_an_update(user: &[&str], lines: &[&str]) {
    let Some(mut servers) = Servers::with_replicas(0) else {
        return;
    };
    let lines = user.iter().chain(lines);
    servers.config = lines.map(|line| (*line).to_owned()).collect();
    let nodes = servers.start(3).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;
    let mut client = servers.client(nodes[0]);
    client.fill("key", KEYS).await;

    let mut worker = Worker::new(servers.engine(), &nodes);
    let begin = Instant::now();
    let patience = 2 * servers.patience();
    worker.leaving.insert(nodes[1]);
    loop {
        let (plan, granted) = worker.pass().await;
        if granted.contains(&nodes[1]) {
            break;
        }
        assert!(begin.elapsed() < patience, "{plan:#?}\n{}", worker.story);
        sleep(REST).await;
    }
    let dir = servers.stop(nodes[1]);
    servers.start_at(nodes[1], dir).await;
    worker.leaving.clear();
    loop {
        let (plan, _) = worker.pass().await;
        if plan.unity.is_one() && plan.settled {
            break;
        }
        assert!(begin.elapsed() < patience, "{plan:#?}\n{}", worker.story);
        sleep(REST).await;
    }
    assert!(worker.story.contains("CLUSTER RESET"), "{}", worker.story);

    for n in 0..KEYS {
        client.call(&["DEL", &format!("key:{n}")]).await;
    }
    let mut dirs = Vec::new();
    for node in &nodes {
        dirs.push((*node, servers.stop(*node)));
    }
    for (node, dir) in dirs {
        servers.start_at(node, dir).await;
    }
    driver.until_one(&nodes, servers.patience()).await;
    let mut left = Vec::new();
    for node in &nodes {
        let view = servers.engine().observe(*node).await.unwrap();
        left.push(view.detail.keys);
    }
    assert_eq!(left, [0, 0, 0], "{}", worker.story);
}
