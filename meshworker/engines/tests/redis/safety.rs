//! What must not happen, and what must be recognised.

use std::time::Duration;

use meshworker_conformance::{Driver, World};
use meshworker_core::{Reason, Step, StepKind};
use meshworker_engines::redis::{Act, RedisRequest, Slots};
use meshworker_engines::{Done, Engine, Failure};
use tokio::time::{Instant, sleep};

use crate::servers::Servers;

#[tokio::test]
async fn nodes_of_another_cluster_name_are_not_joined() {
    let Some(mut servers) = Servers::plain() else {
        return;
    };
    servers.access.cluster_name = Some("ours".into());
    servers.announced = Some("theirs".into());
    let theirs = servers.start(1).await;
    servers.announced = Some("ours".into());
    let ours = servers.start(3).await;
    let listed: Vec<_> = theirs.iter().chain(&ours).copied().collect();
    let mut driver = Driver::new(servers.engine()).asking_once();
    for _ in 0..40 {
        let plan = driver.pass(&listed).await;
        let refused = plan.refusals.iter().any(|refusal| {
            matches!(&refusal.reason, Reason::WrongCluster { found, .. } if found == "theirs")
        });
        assert!(refused, "{:?}", plan.refusals);
        sleep(Duration::from_millis(50)).await;
    }
    // It does not keep the others from being one, either.
    driver.until_one(&ours, servers.patience()).await;
    assert_eq!(driver.count(StepKind::Join), 2, "{}", driver.story());
}

#[tokio::test]
async fn one_member_that_returns_elsewhere_is_the_same_member() {
    let Some(mut servers) = Servers::plain() else {
        return;
    };
    let mut nodes = servers.start(4).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;
    for moved in [0, 3] {
        servers.kill(nodes[moved]).await;
        let elsewhere = servers.restart_elsewhere(&[nodes[moved]]).await;
        nodes[moved] = elsewhere.unwrap()[0];
        driver.until_one(&nodes, servers.patience()).await;
    }
    assert_eq!(driver.count(StepKind::Forget), 0, "{}", driver.story());
    let views = driver.look(&nodes).await;
    for view in views.into_values() {
        assert_eq!(view.unwrap().peers.len(), 4);
    }
}

#[tokio::test]
async fn members_that_return_at_each_others_addresses_find_together() {
    let Some(mut servers) = Servers::plain() else {
        return;
    };
    let nodes = servers.start(4).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;
    let mut turned = Vec::new();
    for node in &nodes {
        turned.push(servers.stop(*node));
    }
    turned.rotate_left(1);
    for (node, dir) in nodes.iter().zip(turned) {
        servers.start_at(*node, dir).await;
    }
    driver.until_one(&nodes, servers.patience()).await;
    eprintln!("{}", driver.story());
    assert_eq!(driver.count(StepKind::Forget), 0, "{}", driver.story());
}

/// A member that had lost several others was told of the first one only, again
/// and again, and the pause between two attempts kept the others waiting.
#[tokio::test]
async fn members_that_are_killed_and_swapped_while_they_form_find_together() {
    let Some(mut servers) = Servers::plain() else {
        return;
    };
    let nodes = servers.start(6).await;
    let mut driver = Driver::new(servers.engine());
    for round in 0..5_u64 {
        let end = Instant::now() + Duration::from_millis(150 + 230 * round);
        while Instant::now() < end {
            driver.pass(&nodes).await;
            sleep(Duration::from_millis(20)).await;
        }
        let mut turned: Vec<_> = nodes.iter().map(|node| servers.stop(*node)).collect();
        turned.rotate_left(1 + round as usize % 3);
        turned.swap(0, round as usize % 5 + 1);
        for (node, dir) in nodes.iter().zip(turned) {
            servers.start_at(*node, dir).await;
        }
    }
    let begin = Instant::now();
    driver.until_one(&nodes, servers.patience()).await;
    eprintln!("one after {:?}\n{}", begin.elapsed(), driver.story());
    assert_eq!(driver.count(StepKind::Forget), 0, "{}", driver.story());
}

#[tokio::test]
async fn a_forgotten_member_with_its_old_volume_returns() {
    let Some(mut servers) = Servers::plain() else {
        return;
    };
    let mut nodes = servers.start(4).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;
    let gone = nodes.remove(3);
    let dir = servers.stop(gone);
    let begin = Instant::now();
    while driver.count(StepKind::Forget) < 3 {
        driver.pass(&nodes).await;
        assert!(begin.elapsed() < servers.patience(), "{}", driver.story());
        sleep(Duration::from_millis(100)).await;
    }
    // For a minute the survivors believe no gossip about it.
    nodes.push(servers.start_one(Some(dir)).await);
    driver.until_one(&nodes, 2 * servers.patience()).await;
}

#[tokio::test]
async fn slots_without_owner_are_not_given_away_while_there_are_keys() {
    let Some(mut servers) = Servers::with_replicas(0) else {
        return;
    };
    let nodes = servers.start(3).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;
    let mut client = servers.client(nodes[0]);
    client.fill("key", 100).await;
    // Their owner loses a hundred slots by hand, on all nodes.
    for node in &nodes {
        let lose = ["CLUSTER", "DELSLOTSRANGE", "0", "99"];
        client.tell(*node, &lose).await;
    }
    let before = driver.done.len();
    let refused = |plan: &meshworker_core::Plan<_>| {
        let mut refusals = plan.refusals.iter();
        refusals.any(|refusal| matches!(refusal.reason, Reason::DataUnowned(_)))
    };
    driver
        .until("a refusal", &nodes, servers.patience(), refused)
        .await;
    for _ in 0..20 {
        let plan = driver.pass(&nodes).await;
        assert!(!plan.unity.is_one());
    }
    assert_eq!(driver.done.len(), before, "{}", driver.story());
}

#[tokio::test]
async fn a_wish_that_is_fulfilled_already_is_a_success() {
    let Some(mut servers) = Servers::plain() else {
        return;
    };
    let nodes = servers.start(3).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;
    let engine = servers.engine();
    for (_, Done { step, .. }) in &driver.done {
        let again = engine.perform(step).await;
        assert!(again.is_ok(), "{step}: {again:?}");
    }
    let first = engine.observe(nodes[0]).await.unwrap();
    let step = |node: &str, act: Act| {
        Step::new(
            nodes[0],
            RedisRequest {
                node: node.into(),
                act,
                parting: false,
            },
            Vec::new(),
        )
    };
    let forget = Act::Forget {
        node: "0".repeat(40),
    };
    let forgotten = engine.perform(&step(&first.node, forget.clone())).await;
    assert!(forgotten.is_ok(), "{forgotten:?}");
    // A master has taken over, and follows nobody whose copy it could drop.
    let master = "0".repeat(40);
    for act in [Act::Failover, Act::Reset { master }] {
        let done = engine.perform(&step(&first.node, act)).await;
        assert!(done.is_ok(), "{done:?}");
    }
    let after = engine.observe(nodes[0]).await.unwrap();
    let own = |view: &meshworker_core::View<meshworker_engines::redis::Detail>| {
        let table = view.detail.table.iter();
        let own: Vec<_> = table.filter(|entry| entry.node == view.node).collect();
        (view.peers.len(), own.first().map(|own| own.slots.clone()))
    };
    assert_eq!(own(&after), own(&first));
    // What another one owns is not taken, and nobody else is told anything.
    let taken = Act::Assign(Slots::from_ranges([(16000, 16383)]));
    let refused = engine.perform(&step(&first.node, taken)).await;
    assert!(matches!(refused, Err(Failure::Refused(_))), "{refused:?}");
    let stranger = engine.perform(&step(&"1".repeat(40), forget)).await;
    assert!(matches!(stranger, Err(Failure::Refused(_))), "{stranger:?}");
}

#[tokio::test]
async fn a_slot_that_a_third_master_got_meanwhile_stays_there() {
    let Some(mut servers) = Servers::with_replicas(0) else {
        return;
    };
    let nodes = servers.start(3).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;
    let engine = servers.engine();
    let mut ids = Vec::new();
    for node in &nodes {
        ids.push(engine.observe(*node).await.unwrap().node);
    }
    let mut client = servers.client(nodes[0]);
    client.call(&["SET", "key:in:slot", "value"]).await;
    let slot = client.call(&["CLUSTER", "KEYSLOT", "key:in:slot"]).await;
    let slot: u16 = slot.unwrap().parse().unwrap();
    let owner = usize::from(slot > 5461) + usize::from(slot > 10922);
    let (third, other) = ((owner + 1) % 3, (owner + 2) % 3);
    let moved = |from: usize, to: usize| {
        Step::new(
            nodes[from],
            RedisRequest {
                node: ids[from].clone(),
                act: Act::Move {
                    slots: Slots::from_ranges([(slot, slot)]),
                    target: ids[to].clone(),
                    address: nodes[to],
                    others: nodes.clone(),
                },
                parting: false,
            },
            Vec::new(),
        )
    };
    engine.perform(&moved(owner, third)).await.unwrap();
    // The same again, as a second worker would, is done already; and a worker
    // with an old view cannot move it out from under its new owner.
    assert!(engine.perform(&moved(owner, third)).await.is_ok());
    let stale = engine.perform(&moved(owner, other)).await;
    assert!(matches!(stale, Err(Failure::Refused(_))), "{stale:?}");
    let value = client.call(&["GET", "key:in:slot"]).await;
    assert_eq!(value.as_deref(), Some("value"));
    for node in &nodes {
        assert_eq!(*engine.observe(*node).await.unwrap().detail.open, []);
    }
}
