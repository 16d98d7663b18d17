//! Members that show each other certificates, while clients need none.
use std::time::Duration;

use meshworker_conformance::{Driver, World};
use meshworker_core::{Place, Plan};
use meshworker_engines::Engine;
use meshworker_engines::redis::{Act, RedisRequest};
use tokio::time::{Instant, sleep};

use crate::load::{Load, keys};
use crate::servers::{PORT, Servers};
use crate::worker::Worker;

const REST: Duration = Duration::from_millis(50);

#[tokio::test]
async fn slots_and_copies_move_over_a_bus_that_is_encrypted() {
    let Some(mut servers) = Servers::with_replicas(0) else {
        return;
    };
    servers.set_bus_tls();
    let mut nodes = servers.start(3).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;
    servers.fill(nodes[0]).await;
    nodes.extend(servers.start(1).await);
    driver.until_one(&nodes, servers.patience()).await;
    assert_eq!(servers.lost(nodes[0]).await, 0, "{}", driver.story());
    let view = servers.engine().observe(nodes[3]).await.unwrap();
    let own = view
        .detail
        .table
        .iter()
        .find(|entry| entry.node == view.node);
    assert!(own.unwrap().slots.count() > 4000, "{}", driver.story());

    // Replicas find their master at its other port.
    servers
        .access
        .options
        .insert("replicas-per-master".into(), "1".into());
    let mut driver = Driver::new(servers.engine());
    nodes.extend(servers.start(4).await);
    driver.until_one(&nodes, servers.patience()).await;
    assert_eq!(servers.lost(nodes[0]).await, 0, "{}", driver.story());
}

/// Anybody's Redis that said CLUSTER MEET was in everybody's list.
#[tokio::test]
async fn a_stranger_without_a_certificate_met_a_member() {
    let Some(mut servers) = Servers::plain() else {
        return;
    };
    servers.set_bus_tls();
    let nodes = servers.start(3).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;
    for own_certificates in [false, true] {
        servers.config = vec![format!("cluster-port {}", PORT + 10_000)];
        if own_certificates {
            // Those of somebody else's authority.
            servers.set_bus_tls_of("another");
        }
        let stranger = servers.start(1).await[0];
        let mut client = servers.client(stranger);
        let port = PORT.to_string();
        for node in &nodes {
            let met = ["CLUSTER", "MEET", &node.to_string(), &port];
            assert_eq!(client.tell(stranger, &met).await, "OK");
        }
        // Until it has given up all of its handshakes, or is let in.
        let begin = Instant::now();
        loop {
            let ours = servers.engine().observe(nodes[0]).await.unwrap();
            assert_eq!(ours.peers.len(), 3, "{ours:?}");
            let theirs = client.tell(stranger, &["CLUSTER", "NODES"]).await;
            if theirs.trim_end().lines().count() == 1 {
                break;
            }
            assert!(begin.elapsed() < servers.patience(), "{theirs}");
            sleep(REST).await;
        }
    }
}

/// The lines of a member that could encrypt the bus and does not yet.
fn ready(config: &[String]) -> Vec<String> {
    let line = |line: &String| match line.strip_suffix(" yes") {
        Some(name @ ("tls-cluster" | "tls-replication")) => format!("{name} no"),
        _ => line.clone(),
    };
    config.iter().map(line).collect()
}

/// Which slots each of these nodes owns.
async fn slots(servers: &Servers, nodes: &[Place]) -> Vec<String> {
    let mut all = Vec::new();
    for node in nodes {
        let view = servers.engine().observe(*node).await.unwrap();
        let mut table = view.detail.table.iter();
        let own = table.find(|entry| entry.node == view.node).unwrap();
        all.push(own.slots.to_string());
    }
    all
}

/// Pass after pass, in which nobody loses anything, until a plan is as wished.
async fn until(
    servers: &Servers,
    worker: &mut Worker,
    what: &str,
    wished: impl Fn(&Plan<RedisRequest>) -> bool,
) {
    let begin = Instant::now();
    loop {
        let (plan, _) = worker.pass().await;
        for step in &plan.steps {
            let meets = matches!(step.request.act, Act::Meet { .. });
            assert!(meets, "{what}: {step}\n{}", worker.story);
        }
        if wished(&plan) {
            return;
        }
        let patience = servers.patience();
        assert!(
            begin.elapsed() < patience,
            "{what}: {plan:#?}\n{}",
            worker.story
        );
        sleep(REST).await;
    }
}

fn in_order(plan: &Plan<RedisRequest>) -> bool {
    plan.unity.is_one() && plan.settled
}

/// As docs/redis.md says it: certificates for all, then the switch, then their files.
/// One of them misses the switch, and stays outside until it is told.
#[tokio::test]
async fn a_running_cluster_gets_an_encrypted_bus_and_keeps_slots_and_keys() {
    let Some(mut servers) = Servers::with_replicas(0) else {
        return;
    };
    let nodes = servers.start(3).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;
    let before = slots(&servers, &nodes).await;
    let load = Load::begin(&nodes, keys(200)).await;
    let mut worker = Worker::new(servers.engine(), &nodes);
    servers.set_bus_tls();
    let encrypted = servers.config.clone();
    servers.config = ready(&encrypted);
    for node in &nodes {
        let dir = servers.stop(*node);
        servers.start_at(*node, dir).await;
        until(&servers, &mut worker, "it is ready", in_order).await;
    }

    let switch = [
        "CONFIG",
        "SET",
        "tls-cluster",
        "yes",
        "tls-replication",
        "yes",
    ];
    let mut client = servers.client(nodes[0]);
    for node in &nodes[..2] {
        assert_eq!(client.tell(*node, &switch).await, "OK");
    }
    // It restarts in between: nobody hears it over the bus any more.
    let plain = nodes[2];
    let dir = servers.stop(plain);
    servers.start_at(plain, dir).await;
    let engine = servers.engine();
    let begin = Instant::now();
    loop {
        let (plan, _) = worker.pass().await;
        let harm = plan
            .steps
            .iter()
            .find(|step| !matches!(step.request.act, Act::Meet { .. }));
        assert!(harm.is_none(), "{harm:?}");
        let view = engine.observe(nodes[0]).await.unwrap();
        let mut peers = view.peers.iter();
        if peers.any(|peer| peer.address == Some(plain) && !peer.alive) {
            break;
        }
        assert!(
            begin.elapsed() < servers.patience(),
            "{plan:#?}\n{}",
            worker.story
        );
        sleep(REST).await;
    }
    assert_eq!(client.tell(plain, &switch).await, "OK");
    until(&servers, &mut worker, "all have switched", in_order).await;

    servers.config = encrypted;
    for node in &nodes {
        let dir = servers.stop(*node);
        servers.start_at(*node, dir).await;
        until(&servers, &mut worker, "it lasts", in_order).await;
    }
    load.end().await;
    assert_eq!(slots(&servers, &nodes).await, before, "{}", worker.story);
}
