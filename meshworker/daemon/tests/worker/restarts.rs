//! A worker may end and begin at any moment, and there may be two of them.

use std::time::Duration;

use aerospike_sim::Misbehaviour;
use fake_dns::Behaviour;

use crate::support::{Chance, Process, Shift, World, until};

/// How long a worker lives at most until it is killed: from "not yet begun" to
/// "its tips have shown".
const LIFE: Duration = Duration::from_millis(500);

/// Starts the real binary and kills it, so many times.
async fn start_and_kill(
    times: usize,
    settings: &[(&str, &str)],
    world: &World,
    moments: &mut Chance,
) {
    for _ in 0..times {
        let worker = Process::start(&world.settings(settings));
        tokio::time::sleep(moments.below(LIFE)).await;
        worker.kill();
    }
}

#[tokio::test]
async fn killed_again_and_again_while_nodes_are_added_one_by_one() {
    let mut world = World::new().await;
    let mut moments = Chance::new(1);
    for newest in 1..=7 {
        world.start([newest]).await;
        world.list(1..=newest);
        start_and_kill(3, &[], &world, &mut moments).await;
    }
    let _worker = Process::start(&world.settings(&[]));
    world.one_cluster(1..=7).await;
    assert_eq!(world.removals(), 0);
}

/// Forgetting takes several requests to each survivor. However often it is
/// broken off, nobody keeps a seed or the memory of one.
#[tokio::test]
async fn killed_again_and_again_while_a_member_is_forgotten() {
    let mut world = World::formed(1..=4).await;
    world.stop(1).await;
    world.list(2..=4);
    world.one_cluster(2..=4).await;
    let gone = world.address(1);
    assert!(world.all_seeds().await.contains(&gone));
    // Every request takes so long that many a worker dies between two of them.
    for survivor in 2..=4 {
        world.misbehave(survivor, Misbehaviour::Slow(Duration::from_millis(60)));
    }
    let mut moments = Chance::new(2);
    start_and_kill(16, &[("removal-hold", "0")], &world, &mut moments).await;
    let _worker = Process::start(&world.settings(&[]));
    let cleared = async || world.all_seeds().await;
    until("no seed leads to the departed", cleared, |seeds| {
        !seeds.contains(&gone)
    })
    .await;
    world.one_cluster(2..=4).await;
}

#[tokio::test]
async fn a_second_worker_beside_it_changes_nothing() {
    let mut world = World::new().await;
    let workers = [
        Shift::start(world.cluster(&[])),
        Shift::start(world.cluster(&[])),
    ];
    world.start(1..=5).await;
    world.list(1..=5);
    world.one_cluster(1..=5).await;
    assert_eq!(world.removals(), 0);

    world.stop(1).await;
    world.list(2..=5);
    world.one_cluster(2..=5).await;
    world.forgotten_by(2..=5).await;

    world.start([6]).await;
    world.list(2..=6);
    world.one_cluster(2..=6).await;
    let known = world.addresses(2..=6);
    let look = async || world.all_seeds().await;
    let only_known =
        |seeds: &std::collections::BTreeSet<_>| seeds.iter().all(|s| known.contains(s));
    until("all seeds lead to members", look, only_known).await;
    for worker in workers {
        worker.end().await;
    }
}

/// Long before: the name does not exist. Before: it is listed, and nothing
/// listens. Neither wears the worker out, nor leaves a trace.
#[tokio::test]
async fn started_long_before_the_database() {
    let mut world = World::new().await;
    world.dns.set(&world.service, Behaviour::NxDomain);
    let worker = Shift::start(world.cluster(&[]));
    worker.watch(20).await;
    world.list(1..=3);
    worker.watch(20).await;
    world.start(1..=3).await;
    world.one_cluster(1..=3).await;
    assert_eq!(world.removals(), 0);
    worker.end().await;
}

/// The nodes have been up for a while, each as a cluster of its own; then a
/// worker, then another one, which finds nothing to do.
#[tokio::test]
async fn started_long_after_the_database() {
    let mut world = World::new().await;
    // Nobody is to die of a busy machine here.
    world.timeout = 400;
    world.start(1..=4).await;
    world.list(1..=4);
    for alone in 1..=4 {
        world.one_cluster([alone]).await;
    }
    let worker = Shift::start(world.cluster(&[]));
    let key = world.one_cluster(1..=4).await;
    worker.end().await;
    let tips = world.asked("tip");

    let worker = Shift::start(world.cluster(&[]));
    worker.watch(10).await;
    assert_eq!(world.asked("tip"), tips);
    assert_eq!(world.removals(), 0);
    assert_eq!(world.one_cluster(1..=4).await, key);
    worker.end().await;
}
