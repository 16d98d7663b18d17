//! A member without persistence that comes back empty in its place.

use std::time::Duration;

use meshworker_conformance::{Driver, World};
use meshworker_engines::Engine;
use meshworker_engines::redis::Redis;
use tokio::time::{Instant, sleep};

use crate::servers::Servers;
use meshworker_core::Place;

const KEYS: usize = 300;

/// Without a file a master comes back empty before anybody takes over, and its replica
/// empties itself to follow it: to the servers all is well.
#[tokio::test]
async fn a_master_that_came_back_empty_in_its_place_was_no_loss() {
    is_told(0).await;
}

#[tokio::test]
async fn a_master_that_came_back_empty_and_emptied_its_replica_was_no_loss() {
    is_told(1).await;
}

async fn is_told(replicas: usize) {
    let Some(mut servers) = Servers::with_replicas(replicas) else {
        return;
    };
    servers.config = vec!["appendonly no".into()];
    let nodes = servers.start(3 * (1 + replicas)).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;
    servers.client(nodes[0]).fill("key", KEYS).await;
    no_loss_for_a_while(&mut driver, &nodes).await;
    let mut master = None;
    for node in &nodes {
        let view = servers.engine().observe(*node).await.unwrap();
        if view.detail.dials.is_none() && view.detail.keys > 0 {
            master = Some(*node);
        }
    }
    let master = master.unwrap();
    let dir = servers.stop(master);
    servers.start_at(master, dir).await;
    let begin = Instant::now();
    loop {
        let plan = driver.pass(&nodes).await;
        if let [loss] = plan.losses.as_slice() {
            assert!(loss.told && loss.what.starts_with("slots "), "{loss:?}");
            assert_eq!(loss.members.len(), 1 + replicas);
            return;
        }
        assert!(begin.elapsed() < servers.patience(), "{plan:#?}");
        sleep(Duration::from_millis(50)).await;
    }
}

/// What clients delete is no loss, whoever is started anew afterwards.
#[tokio::test]
async fn a_master_that_was_started_anew_after_all_was_deleted_had_lost_something() {
    let Some(mut servers) = Servers::with_replicas(0) else {
        return;
    };
    servers.config = vec!["appendonly no".into()];
    let nodes = servers.start(3).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;
    servers.client(nodes[0]).fill("key", KEYS).await;
    no_loss_for_a_while(&mut driver, &nodes).await;
    for node in &nodes {
        servers.client(*node).call(&["FLUSHALL"]).await;
    }
    no_loss_for_a_while(&mut driver, &nodes).await;
    let dir = servers.stop(nodes[1]);
    servers.start_at(nodes[1], dir).await;
    no_loss_for_a_while(&mut driver, &nodes).await;
    driver.until_one(&nodes, servers.patience()).await;
}

/// Whoever has what is noted once it has been so for a while.
async fn no_loss_for_a_while(driver: &mut Driver<Redis>, nodes: &[Place]) {
    let begin = driver.elapsed();
    while driver.elapsed() < begin + 4 * driver.limits.leave_hold {
        let plan = driver.pass(nodes).await;
        assert_eq!(plan.losses, []);
        sleep(Duration::from_millis(50)).await;
    }
}
