//! Members that leave while clients write and read.

use std::net::IpAddr;
use std::time::Duration;

use meshworker_conformance::{Driver, World};
use meshworker_engines::Engine;
use meshworker_engines::redis::Entry;
use tokio::time::{Instant, sleep, timeout};

use crate::load::Load;
use crate::servers::Servers;
use crate::worker::Worker;

const REST: Duration = Duration::from_millis(50);

/// Leads these members out, one after another, until the others have forgotten
/// them.
async fn scale_in(servers: &mut Servers, worker: &mut Worker, load: &Load, leave: &[IpAddr]) {
    let begin = Instant::now();
    worker.leaving.extend(leave);
    let mut order = Vec::new();
    loop {
        let (plan, granted) = worker.pass().await;
        assert!(granted.len() <= 1, "{:?}", plan.leavers);
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
async fn table(servers: &Servers, at: IpAddr) -> Vec<Entry> {
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
    let Some(mut servers) = Servers::plain().await else {
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

    let load = Load::begin(&nodes, 2000).await;
    let mut worker = Worker::new(servers.engine(), &nodes);
    scale_in(&mut servers, &mut worker, &load, &leave).await;
    load.end().await;
    let after = table(&servers, worker.listed[0]).await;
    let masters = after.iter().filter(|entry| !entry.slots.is_empty());
    assert_eq!(masters.count(), 3, "{}", worker.story);
    assert!(!worker.story.contains("move slots"), "{}", worker.story);
}

#[tokio::test]
async fn one_of_four_masters_leaves_and_nothing_is_lost() {
    let Some(mut servers) = Servers::with_replicas(0).await else {
        return;
    };
    let nodes = servers.start(4).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;
    let load = Load::begin(&nodes, 2000).await;
    let mut worker = Worker::new(servers.engine(), &nodes);
    scale_in(&mut servers, &mut worker, &load, &nodes[1..2]).await;
    load.end().await;
    let after = table(&servers, worker.listed[0]).await;
    let sizes: Vec<usize> = after.iter().map(|entry| entry.slots.count()).collect();
    assert_eq!(sizes.iter().sum::<usize>(), 16384);
    assert!(sizes.iter().all(|size| *size >= 5400), "{sizes:?}");
}

#[tokio::test]
async fn a_slot_that_takes_many_passes_loses_nothing() {
    let Some(mut servers) = Servers::with_replicas(0).await else {
        return;
    };
    let nodes = servers.start(4).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;
    let keys = 40_000;
    let sets: String = (0..keys)
        .map(|n| format!("SET {{one}}:{n} value:{n}\n"))
        .collect();
    servers.cli(nodes[0], "", &sets);
    let slot = servers.cli(nodes[0], "CLUSTER KEYSLOT {one}", "");
    let slot: u16 = slot.trim().parse().unwrap();
    let owner = table(&servers, nodes[0]).await;
    let owner = owner.iter().find(|entry| entry.slots.contains(slot));
    let owner = owner.unwrap().address.unwrap();

    let load = Load::begin(&nodes, 500).await;
    // So short that a pass moves only a part of it.
    servers.access.deadline = Duration::from_millis(400);
    let mut worker = Worker::new(servers.engine(), &nodes);
    scale_in(&mut servers, &mut worker, &load, &[owner]).await;
    let parts = worker.story.matches(&format!("a part of {slot}")).count();
    eprintln!("{parts} parts");
    assert!(parts > 0, "{}", worker.story);
    load.end().await;
    let gets: String = (0..keys).map(|n| format!("GET {{one}}:{n}\n")).collect();
    let values = servers.cli(worker.listed[0], "", &gets);
    let found: std::collections::BTreeSet<&str> = values.lines().collect();
    let lost = (0..keys).filter(|n| !found.contains(format!("value:{n}").as_str()));
    assert_eq!(lost.count(), 0);
}

#[tokio::test]
async fn workers_that_die_while_slots_move_lose_nothing() {
    let Some(mut servers) = Servers::with_replicas(0).await else {
        return;
    };
    let mut nodes = servers.start(3).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;
    let load = Load::begin(&nodes, 3000).await;
    nodes.extend(servers.start(1).await);
    let mut cuts = 0_u64;
    for leaving in [None, Some(nodes[0])] {
        let begin = Instant::now();
        loop {
            // A new worker knows nothing of what the last one was about to do.
            let mut worker = Worker::new(servers.engine(), &nodes);
            worker.leaving.extend(leaving);
            let plan = worker.plan().await;
            let done = match plan.leavers.first() {
                Some(leaver) => leaver.progress.is_none(),
                None => true,
            };
            if done && plan.unity.is_one() {
                break;
            }
            let time = Duration::from_millis(2 + cuts * 13 % 47);
            let cut = timeout(time, worker.act(&plan.steps)).await.is_err();
            cuts += u64::from(cut);
            assert!(begin.elapsed() < 2 * servers.patience(), "{plan:#?}");
        }
        eprintln!("{leaving:?}: {cuts} cuts, {:?}", begin.elapsed());
        for node in &nodes {
            let view = servers.engine().observe(*node).await.unwrap();
            assert_eq!(view.detail.open, []);
        }
    }
    assert!(cuts > 20, "{cuts} cuts prove nothing");
    let mut worker = Worker::new(servers.engine(), &nodes);
    scale_in(&mut servers, &mut worker, &load, &nodes[..1]).await;
    load.end().await;
}

#[tokio::test]
async fn three_masters_are_restarted_one_by_one_and_stay_masters() {
    let Some(mut servers) = Servers::with_replicas(0).await else {
        return;
    };
    let mut nodes = servers.start(3).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;
    let load = Load::begin(&nodes, 1000).await;
    let mut worker = Worker::new(servers.engine(), &nodes);
    for node in &mut nodes {
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
        }
        let gone = begin.elapsed();
        load.without(*node);
        worker.leaving.clear();
        servers.kill(*node).await;
        let elsewhere = servers.restart_elsewhere(&[*node]).await.unwrap();
        worker.listed.retain(|other| other != node);
        worker.listed.extend(&elsewhere);
        *node = elsewhere[0];
        load.nodes.lock().unwrap().push(*node);
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
