//! Members that leave while clients write and read.
use std::time::Duration;

use meshworker_conformance::{Driver, World};
use meshworker_engines::Engine;
use meshworker_engines::redis::Entry;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::client::Client;
use crate::cut::cut_after;
use crate::load::{Load, keys};
use crate::servers::Servers;
use crate::worker::Worker;
use meshworker_core::Place;

const REST: Duration = Duration::from_millis(50);

/// How many workers die in a move.
const CUTS: usize = 40;

/// Leads these members out, each when it may, until the others have forgotten
/// them.
async fn scale_in(servers: &mut Servers, worker: &mut Worker, load: &Load, leave: &[Place]) {
    let begin = Instant::now();
    worker.leaving.extend(leave);
    let mut order = Vec::new();
    loop {
        let (plan, granted) = worker.pass().await;
        for node in granted {
            order.push((node, begin.elapsed()));
            load.without(node);
            servers.kill(node).await;
            worker.listed.retain(|other| *other != node);
            worker.leaving.remove(&node);
        }
        if worker.leaving.is_empty() && plan.unity.is_one() && plan.settled {
            let view = servers.engine().observe(worker.listed[0]).await.unwrap();
            if view.peers.len() == worker.listed.len() {
                break;
            }
        }
        assert!(
            begin.elapsed() < 2 * servers.patience(),
            "{plan:#?}\n{order:?}\n{}",
            worker.story
        );
        sleep(REST).await;
    }
    eprintln!("{} left in {:?}: {order:?}", leave.len(), begin.elapsed());
}

/// The masters with slots and replicas that a member knows of.
async fn table(servers: &Servers, at: Place) -> Vec<Entry> {
    servers
        .engine()
        .observe(at)
        .await
        .unwrap()
        .detail
        .table
        .to_vec()
}

#[tokio::test]
async fn two_masters_and_a_replica_of_six_leave_and_nothing_is_lost() {
    let Some(mut servers) = Servers::plain() else {
        return;
    };
    let nodes = servers.start(6).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;
    let before = table(&servers, nodes[0]).await;
    let masters: Vec<&Entry> = before.iter().filter(|entry| !entry.replica).collect();
    let replica = before
        .iter()
        .find(|entry| entry.master.as_ref() == Some(&masters[0].node))
        .unwrap();
    let leave = [masters[0], masters[1], replica].map(|entry| entry.address.unwrap());

    let load = Load::begin(&nodes, keys(500)).await;
    let mut worker = Worker::new(servers.engine(), &nodes);
    scale_in(&mut servers, &mut worker, &load, &leave).await;
    load.end().await;
    let after = table(&servers, worker.listed[0]).await;
    let masters = after.iter().filter(|entry| !entry.slots.is_empty());
    assert_eq!(masters.count(), 3, "{}", worker.story);
    assert!(!worker.story.contains("move slots"), "{}", worker.story);
}

/// Each waited until the others held the one before it to be failed, and so did its
/// removal.
#[tokio::test]
async fn replicas_of_different_masters_left_one_after_another() {
    let Some(mut servers) = Servers::plain() else {
        return;
    };
    let nodes = servers.start(6).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;
    let before = table(&servers, nodes[0]).await;
    let replicas = before.iter().filter(|entry| entry.replica);
    let mut replicas: Vec<Place> = replicas.filter_map(|entry| entry.address).collect();
    replicas.sort();
    let mut worker = Worker::new(servers.engine(), &nodes);
    worker.leaving.extend(&replicas);
    let begin = Instant::now();
    let granted = loop {
        let (plan, mut granted) = worker.pass().await;
        granted.sort();
        if !granted.is_empty() {
            break granted;
        }
        assert!(begin.elapsed() < servers.patience(), "{plan:#?}");
        sleep(REST).await;
    };
    assert_eq!(granted, replicas, "{}", worker.story);
    let may_go = begin.elapsed();
    for node in granted {
        servers.kill(node).await;
        worker.listed.retain(|other| *other != node);
        worker.leaving.remove(&node);
        worker.ended.insert(node);
    }
    // Nobody need hold them to be failed first.
    let mut said = Vec::new();
    loop {
        let (plan, _) = worker.pass().await;
        said.extend(plan.refusals.iter().map(ToString::to_string));
        let view = servers.engine().observe(worker.listed[0]).await.unwrap();
        if view.peers.len() == 3 {
            break;
        }
        assert!(begin.elapsed() < servers.patience(), "{plan:#?}");
        sleep(REST).await;
    }
    eprintln!(
        "6 => 3: may go after {may_go:?}, forgotten after {:?}",
        begin.elapsed()
    );
    let waited = said
        .iter()
        .find(|said| said.contains("gate 4") || said.contains("gate 9"));
    assert_eq!(waited, None, "{}", worker.story);
}

#[tokio::test]
async fn one_of_four_masters_leaves_and_nothing_is_lost() {
    let Some(mut servers) = Servers::with_replicas(0) else {
        return;
    };
    let nodes = servers.start(4).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;
    let load = Load::begin(&nodes, keys(500)).await;
    let mut worker = Worker::new(servers.engine(), &nodes);
    scale_in(&mut servers, &mut worker, &load, &nodes[1..2]).await;
    load.end().await;
    let after = table(&servers, worker.listed[0]).await;
    let sizes: Vec<usize> = after.iter().map(|entry| entry.slots.count()).collect();
    assert_eq!(sizes.iter().sum::<usize>(), 16384);
    assert!(sizes.iter().all(|size| *size >= 5400), "{sizes:?}");
}

/// The master that owns this slot, as a member says.
async fn owner_of(slot: u16, servers: &Servers, said_by: Place) -> Place {
    let all = table(servers, said_by).await;
    let owner = all.iter().find(|entry| entry.slots.contains(slot));
    owner.unwrap().address.unwrap()
}

/// A master that takes its time as soon as it has a part of this slot: so no
/// machine is quick enough to move the slot in one pass.
async fn take_time(master: Place, slot: u16, whole: usize) {
    let mut client = Client::of([master], None);
    let slot = slot.to_string();
    let count = ["CLUSTER", "COUNTKEYSINSLOT", &slot];
    loop {
        let count: usize = client.tell(master, &count).await.parse().unwrap();
        if (1..whole).contains(&count) {
            client.tell(master, &["DEBUG", "SLEEP", "0.05"]).await;
        } else {
            sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test]
async fn a_slot_that_takes_many_passes_loses_nothing() {
    let Some(mut servers) = Servers::with_replicas(0) else {
        return;
    };
    servers.config = vec!["enable-debug-command yes".into()];
    // Within it about 40 times 64 keys can be moved.
    servers.access.deadline = Duration::from_secs(2);
    let nodes = servers.start(4).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;
    let mut client = servers.client(nodes[0]);
    // Among the first slots that its owner gives away.
    let (tag, keys, loaded) = ("{17}", 3000, 200);
    client.fill(tag, keys).await;
    let slot = client.call(&["CLUSTER", "KEYSLOT", tag]).await;
    let slot: u16 = slot.unwrap().parse().unwrap();
    let owner = owner_of(slot, &servers, nodes[0]).await;

    // The load is in the same slot.
    let load = (0..loaded).map(|n| format!("{tag}:load:{n}")).collect();
    let load = Load::begin(&nodes, load).await;
    let others = nodes.iter().copied().filter(|node| *node != owner);
    let mut slow = JoinSet::new();
    for master in others.clone() {
        slow.spawn(take_time(master, slot, keys + loaded));
    }
    let mut worker = Worker::new(servers.engine(), &nodes);
    worker.leaving.insert(owner);
    let witness = others.clone().next().unwrap();
    let begin = Instant::now();
    while owner_of(slot, &servers, witness).await == owner {
        worker.pass().await;
        let patience = 2 * servers.patience();
        assert!(begin.elapsed() < patience, "{}", worker.story);
        sleep(REST).await;
    }
    let parts = worker.story.matches(&format!("a part of {slot}")).count();
    eprintln!("{parts} parts");
    assert!(parts > 0, "{}", worker.story);
    load.end().await;
    assert_eq!(client.missing(tag, keys).await, 0);
}

/// Workers that look, and die while they act: the first one at once, the others
/// after ever other times. A new master gets its slots and gives them back.
#[tokio::test]
async fn workers_that_die_while_slots_move_lose_nothing() {
    let Some(mut servers) = Servers::with_replicas(0) else {
        return;
    };
    let mut nodes = servers.start(3).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;
    let load = Load::begin(&nodes, keys(1000)).await;
    nodes.extend(servers.start(1).await);
    let newcomer = nodes[3];
    let begin = Instant::now();
    for leaving in [None, Some(newcomer)] {
        let mut cuts = 0;
        while cuts < CUTS {
            // A new worker knows nothing of what the last one was about to do.
            let mut worker = Worker::new(servers.engine(), &nodes);
            worker.leaving.extend(leaving);
            let plan = worker.plan().await;
            let left = plan.leavers.first();
            if plan.unity.is_one() && left.is_none_or(|leaver| leaver.progress.is_none()) {
                break;
            }
            let turns = cuts * 7 % 31;
            if cut_after(turns, worker.act(&plan.steps)).await.is_none() {
                cuts += 1;
            }
            let patience = 2 * servers.patience();
            assert!(begin.elapsed() < patience, "{plan:#?}");
        }
        eprintln!("{leaving:?}: {cuts} cuts, {:?}", begin.elapsed());
        assert!(cuts > 0, "a test of nothing");
    }
    // One that lives finishes what the others have begun.
    let mut worker = Worker::new(servers.engine(), &nodes);
    scale_in(&mut servers, &mut worker, &load, &[newcomer]).await;
    load.end().await;
    for node in &nodes[..3] {
        let view = servers.engine().observe(*node).await.unwrap();
        assert_eq!(*view.detail.open, []);
    }
}

#[tokio::test]
async fn a_master_is_restarted_and_stays_a_master() {
    masters_are_restarted(1).await;
}

#[tokio::test]
#[ignore = "the long tier: with each of them, all slots of a master move twice"]
async fn three_masters_are_restarted_one_by_one_and_stay_masters() {
    masters_are_restarted(3).await;
}

async fn masters_are_restarted(count: usize) {
    let Some(mut servers) = Servers::with_replicas(0) else {
        return;
    };
    let mut nodes = servers.start(3).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;
    let load = Load::begin(&nodes, keys(500)).await;
    let mut worker = Worker::new(servers.engine(), &nodes);
    for node in &mut nodes[..count] {
        worker.leaving.insert(*node);
        let begin = Instant::now();
        loop {
            let (plan, granted) = worker.pass().await;
            if granted.contains(node) {
                break;
            }
            assert!(
                begin.elapsed() < servers.patience(),
                "{plan:#?}\n{}",
                worker.story
            );
            sleep(REST).await;
        }
        let gone = begin.elapsed();
        load.without(*node);
        worker.leaving.clear();
        servers.kill(*node).await;
        let elsewhere = servers.restart_elsewhere(&[*node]).await.unwrap();
        worker.listed.retain(|other| other != node);
        worker.listed.extend(&elsewhere);
        *node = elsewhere[0];
        load.members.lock().unwrap().push(*node);
        loop {
            let (plan, _) = worker.pass().await;
            if plan.unity.is_one() && plan.settled {
                break;
            }
            assert!(
                begin.elapsed() < 2 * servers.patience(),
                "{plan:#?}\n{}",
                worker.story
            );
            sleep(REST).await;
        }
        eprintln!("let go after {gone:?}, back after {:?}", begin.elapsed());
    }
    load.end().await;
    let after = table(&servers, nodes[0]).await;
    let sizes: Vec<usize> = after.iter().map(|entry| entry.slots.count()).collect();
    assert!(
        sizes.len() == 3 && sizes.iter().all(|size| *size >= 5300),
        "{sizes:?}"
    );
}
