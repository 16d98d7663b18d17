//! What the discovery script that meshworker replaces got wrong, one test each.

use std::time::Duration;

use aerospike_sim::{Misbehaviour, NodeOptions};
use fake_dns::Behaviour;
use tokio::time::Instant;

use crate::support::{Process, Shift, World, until};

/// Tips that were sent before the database listened had no effect, and were
/// never repeated.
#[tokio::test]
async fn a_database_that_starts_late_is_joined() {
    let mut world = World::new().await;
    world.list(1..=3);
    let worker = Shift::start(world.cluster(&[]));
    worker.watch(3).await;
    for number in 1..=3 {
        // Heartbeats at once, as Aerospike opens its ports one after the other;
        // the port for requests much later.
        let late = NodeOptions {
            misbehaviour: Misbehaviour::Late(Duration::from_secs(3)),
            ..world.options(number)
        };
        world.start_as(number, late).await;
    }
    world.one_cluster(1..=3).await;
    worker.end().await;
}

/// `tip-clear` was sent with `;` between host and port: "0 cleared, 0 not
/// found", and the survivors dialled the departed for ever.
#[tokio::test]
async fn a_departed_members_tip_is_cleared() {
    let mut world = World::formed(1..=4).await;
    let worker = Shift::start(world.cluster(&[]));
    // All others were told about the first.
    let gone = world.address(1);
    for survivor in 2..=4 {
        assert!(world.seeds(survivor).await.contains(&gone));
    }
    world.stop(1).await;
    world.list(2..=4);
    let look = async || world.all_seeds().await;
    until("no seed leads to the departed", look, |seeds| {
        !seeds.contains(&gone)
    })
    .await;
    world.forgotten_by(2..=4).await;
    world.one_cluster(2..=4).await;
    worker.end().await;
}

/// While the name did not exist, the script asked for it without a pause.
#[tokio::test]
async fn nxdomain_is_no_busy_loop() {
    let world = World::new().await;
    world.dns.set(&world.service, Behaviour::NxDomain);
    // The pace of production, not that of these tests.
    let worker = Process::start(&world.settings(&[("interval", "5")]));
    let asked = async || world.dns.counts().udp;
    until("a first question", asked, |asked| *asked > 0).await;
    // The clock runs for longer than anything is counted.
    let (begun, cpu) = (Instant::now(), worker.cpu());
    let before = asked().await;
    let now = until("a hundred more", asked, |asked| *asked >= before + 100).await;
    let (questions, cpu) = (now - before, worker.cpu() - cpu);
    let took = begun.elapsed();
    // Two questions a look, and no more than twenty looks a second. A busy
    // machine only makes it less.
    let most = 50.0 * took.as_secs_f64();
    assert!(
        questions as f64 <= most,
        "{questions} questions in {took:?}"
    );
    assert!(cpu <= took / 4, "{cpu:?} of processor time in {took:?}");
}

/// One answer without a member, and it was removed.
#[tokio::test]
async fn one_partial_answer_removes_nobody() {
    let world = World::formed(1..=4).await;
    // The others cannot see the fourth either: only its record speaks for it.
    world.misbehave(4, Misbehaviour::Isolated);
    world.one_cluster(1..=3).await;
    let whole = Behaviour::Answer(world.addresses(1..=4));
    let partial = Behaviour::Answer(world.addresses(1..=3));
    let mut script = Vec::new();
    for _ in 0..6 {
        script.push(partial.clone());
        script.extend(vec![whole.clone(); 4]);
    }
    let acts = script.len();
    world.dns.set(&world.service, Behaviour::Script(script));
    let before = world.dns.counts().udp;
    let worker = Shift::start(world.cluster(&[("ip-family", "v4")]));
    let look = async || world.dns.counts().udp - before;
    until("the whole script", look, |asked| *asked > acts).await;
    worker.watch(3).await;
    assert_eq!(world.removals(), 0);
    world.misbehave(4, Misbehaviour::None);
    world.one_cluster(1..=4).await;
    worker.end().await;
}

/// When all addresses had changed, only the first new one was tipped.
#[tokio::test]
async fn a_complete_change_of_addresses_joins_all_not_only_the_first() {
    let mut world = World::formed(1..=3).await;
    let worker = Shift::start(world.cluster(&[]));
    for old in 1..=3 {
        world.stop(old).await;
    }
    world.start(11..=14).await;
    world.list(11..=14);
    world.one_cluster(11..=14).await;
    worker.end().await;
}

/// New nodes were tipped to everybody on the last known list, the dead included.
#[tokio::test]
async fn dead_nodes_are_not_tipped() {
    let mut world = World::formed(1..=3).await;
    world.stop(3).await;
    world.one_cluster(1..=2).await;
    // The name server still lists the dead one, and one that never lived.
    world.list([1, 2, 3, 5]);
    let worker = Shift::start(world.cluster(&[]));
    world.start([4]).await;
    world.list(1..=5);
    world.one_cluster([1, 2, 4]).await;
    worker.watch(10).await;
    let seeds = world.all_seeds().await;
    for dead in world.addresses([3, 5]) {
        assert!(!seeds.contains(&dead), "{dead} is in {seeds:?}");
    }
    worker.end().await;
}

/// Nodes were told one after the other, without a deadline: one that hung was
/// the last that was ever told anything.
#[tokio::test]
async fn a_hanging_node_does_not_hold_up_the_others() {
    let mut world = World::new().await;
    for hanging in [1, 4] {
        let silent = NodeOptions {
            misbehaviour: Misbehaviour::Silent,
            ..world.options(hanging)
        };
        world.start_as(hanging, silent).await;
    }
    world.start([2, 3, 5]).await;
    world.list(1..=5);
    // No request is ever given up by itself in the time of this test.
    let worker = Shift::start(world.cluster(&[("deadline", "600")]));
    world.one_cluster([2, 3, 5]).await;
    world.start([6]).await;
    world.list(1..=6);
    world.one_cluster([2, 3, 5, 6]).await;
    worker.end().await;
}
