//! Clusters that grow and shrink.
use std::time::Duration;

use meshworker_conformance::{Driver, World};
use meshworker_core::{Place, StepKind};
use meshworker_engines::redis::Redis;
use tokio::time::{Instant, sleep};

use crate::servers::Servers;

/// For each master its slots and replicas, sorted.
async fn shape(driver: &mut Driver<Redis>, at: &[Place]) -> Vec<(usize, usize)> {
    let views = driver.look(at).await;
    let view = views.into_values().next().unwrap().unwrap();
    let table = &view.detail.table;
    let masters = table.iter().filter(|entry| !entry.slots.is_empty());
    let mut shape: Vec<(usize, usize)> = masters
        .map(|master| {
            let follows = |entry: &&meshworker_engines::redis::Entry| {
                entry.master.as_deref() == Some(master.node.as_str())
            };
            (master.slots.count(), table.iter().filter(follows).count())
        })
        .collect();
    shape.sort_unstable();
    shape
}

#[tokio::test]
async fn three_are_masters_and_three_more_their_replicas() {
    let Some(mut servers) = Servers::plain() else {
        return;
    };
    let mut nodes = servers.start(3).await;
    let mut driver = Driver::new(servers.engine()).asking_once();
    let begin = Instant::now();
    driver.until_one(&nodes, servers.patience()).await;
    eprintln!("3 formed in {:?}\n{}", begin.elapsed(), driver.story());
    assert_eq!(
        shape(&mut driver, &nodes).await,
        [(5461, 0), (5461, 0), (5462, 0)]
    );
    nodes.extend(servers.start(3).await);
    let (begin, before) = (Instant::now(), driver.done.len());
    driver.until_one(&nodes, servers.patience()).await;
    eprintln!("6 in {:?}\n{}", begin.elapsed(), driver.story());
    assert_eq!(
        shape(&mut driver, &nodes).await,
        [(5461, 1), (5461, 1), (5462, 1)]
    );
    // One introduction and one part for each.
    assert_eq!(driver.done.len() - before, 6, "{}", driver.story());
}

#[tokio::test]
async fn six_at_once_are_three_masters_with_a_replica_each() {
    let Some(mut servers) = Servers::plain() else {
        return;
    };
    let nodes = servers.start(6).await;
    let mut driver = Driver::new(servers.engine()).asking_once();
    driver.until_one(&nodes, servers.patience()).await;
    assert_eq!(
        shape(&mut driver, &nodes).await,
        [(5461, 1), (5461, 1), (5462, 1)]
    );
    // Five introductions, three assignments, three replicas.
    assert_eq!(driver.done.len(), 11, "{}", driver.story());
}

#[tokio::test]
async fn a_new_master_gets_its_slots_and_no_key_is_lost() {
    let Some(mut servers) = Servers::with_replicas(0) else {
        return;
    };
    servers.set_password("hush");
    let mut nodes = servers.start(3).await;
    let mut driver = Driver::new(servers.engine()).asking_once();
    driver.until_one(&nodes, servers.patience()).await;
    let keys = 2000;
    servers.client(nodes[0]).fill("key", keys).await;

    nodes.extend(servers.start(1).await);
    let begin = Instant::now();
    driver.until_one(&nodes, servers.patience()).await;
    eprintln!("slots moved in {:?}", begin.elapsed());
    let sizes = shape(&mut driver, &nodes).await;
    let least = sizes.first().unwrap().0;
    assert!(sizes.len() == 4 && least >= 4096 - 82, "{sizes:?}");
    assert_eq!(servers.client(nodes[0]).missing("key", keys).await, 0);
    assert_eq!(driver.count(StepKind::Join), 3);
}

#[tokio::test]
async fn a_dead_masters_replica_takes_over_and_all_forget_it() {
    let Some(mut servers) = Servers::plain() else {
        return;
    };
    let nodes = servers.start(6).await;
    let mut driver = Driver::new(servers.engine()).asking_once();
    driver.until_one(&nodes, servers.patience()).await;
    // The first node is a master, as the masters are chosen in order.
    let (gone, rest) = nodes.split_first().unwrap();
    let view = driver.look(&[*gone]).await.remove(gone).unwrap().unwrap();
    servers.kill(*gone).await;
    let taken_over = |plan: &meshworker_core::Plan<_>| plan.together.is_some();
    driver
        .until("a failover", rest, servers.patience(), taken_over)
        .await;
    let begin = Instant::now();
    loop {
        driver.pass(rest).await;
        let views = driver.look(rest).await;
        let remembered = views
            .values()
            .flatten()
            .any(|other| other.peers.iter().any(|peer| peer.node == view.node));
        if !remembered {
            break;
        }
        assert!(begin.elapsed() < servers.patience(), "{}", driver.story());
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(driver.count(StepKind::Forget), 5, "{}", driver.story());
    driver.until_one(rest, servers.patience()).await;
}
