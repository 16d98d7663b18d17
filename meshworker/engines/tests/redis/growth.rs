//! Clusters that grow and shrink.

use std::net::IpAddr;

use meshworker_conformance::{Driver, World};
use meshworker_core::StepKind;
use meshworker_engines::redis::Redis;
use tokio::time::Instant;

use crate::servers::Servers;

/// For each master its slots and replicas, sorted.
async fn shape(driver: &mut Driver<Redis>, at: &[IpAddr]) -> Vec<(usize, usize)> {
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
    let Some(mut servers) = Servers::plain().await else {
        return;
    };
    let mut nodes = servers.start(3).await;
    let mut driver = Driver::new(servers.engine());
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
    let Some(mut servers) = Servers::plain().await else {
        return;
    };
    let nodes = servers.start(6).await;
    let mut driver = Driver::new(servers.engine());
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
    let Some(mut servers) = Servers::with_replicas(0).await else {
        return;
    };
    servers.set_password("hush");
    let mut nodes = servers.start(3).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;
    let keys = 10_000;
    let sets: String = (0..keys)
        .map(|n| format!("SET key:{n} value:{n}\n"))
        .collect();
    let replies = servers.cli(nodes[0], "-a hush", &sets);
    assert_eq!(replies.matches("OK").count(), keys, "{replies}");

    nodes.extend(servers.start(1).await);
    let begin = Instant::now();
    driver.until_one(&nodes, servers.patience()).await;
    eprintln!("slots moved in {:?}", begin.elapsed());
    let sizes = shape(&mut driver, &nodes).await;
    let least = sizes.first().unwrap().0;
    assert!(sizes.len() == 4 && least >= 4096 - 82, "{sizes:?}");
    let gets: String = (0..keys).map(|n| format!("GET key:{n}\n")).collect();
    let values = servers.cli(nodes[0], "-a hush", &gets);
    let lost: Vec<usize> = (0..keys)
        .filter(|n| !values.contains(&format!("value:{n}\n")))
        .collect();
    assert!(lost.is_empty(), "{} of {keys} keys are lost", lost.len());
    assert_eq!(driver.count(StepKind::Join), 3);
}

#[tokio::test]
async fn a_move_of_slots_goes_on_after_the_worker_died_in_it() {
    let Some(mut servers) = Servers::with_replicas(0).await else {
        return;
    };
    let mut nodes = servers.start(3).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;
    let keys = 5_000;
    let sets: String = (0..keys)
        .map(|n| format!("SET key:{n} value:{n}\n"))
        .collect();
    servers.cli(nodes[0], "", &sets);
    nodes.extend(servers.start(1).await);

    // Performing is cut off after ever different times, the worker starts anew.
    let begin = Instant::now();
    let mut cuts = 0;
    loop {
        let mut driver = Driver::new(servers.engine());
        let plan = driver.plan(&nodes).await;
        if plan.unity.is_one() {
            break;
        }
        let time = std::time::Duration::from_millis(3 + cuts * 7 % 41);
        let steps = plan.steps.clone();
        if tokio::time::timeout(time, driver.act(&steps))
            .await
            .is_err()
        {
            cuts += 1;
        }
        assert!(begin.elapsed() < 2 * servers.patience(), "{plan:#?}");
    }
    eprintln!("{cuts} cuts, {:?}", begin.elapsed());
    assert!(cuts > 5, "{cuts} cuts prove nothing");
    let gets: String = (0..keys).map(|n| format!("GET key:{n}\n")).collect();
    let values = servers.cli(nodes[0], "", &gets);
    let found = (0..keys).filter(|n| values.contains(&format!("value:{n}\n")));
    assert_eq!(found.count(), keys);
}

#[tokio::test]
async fn a_dead_masters_replica_takes_over_and_all_forget_it() {
    let Some(mut servers) = Servers::plain().await else {
        return;
    };
    let nodes = servers.start(6).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;
    // The first node is a master, as the masters are chosen in order.
    let (gone, rest) = nodes.split_first().unwrap();
    let view = driver.look(&[*gone]).await.remove(gone).unwrap().unwrap();
    servers.kill(*gone).await;
    let forgotten = |plan: &meshworker_core::Plan<_>| plan.unity.is_one();
    driver
        .until("a failover", rest, servers.patience(), forgotten)
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
    }
    assert_eq!(driver.count(StepKind::Forget), 5, "{}", driver.story());
    driver.until_one(rest, servers.patience()).await;
}
