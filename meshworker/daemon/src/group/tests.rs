//! What three workers come to together.

mod clients;
mod disks;
mod world;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use meshworker_core::{Change, Fence};
use meshworker_engines::Intended;
use meshworker_group::{Order, Ordered, StoreId, Told};
use tokio::io::AsyncReadExt;
use tokio::net::TcpSocket;
use tokio::time::timeout;

use world::{DEADLINE, Worker, World, given, hold};

#[tokio::test]
async fn three_workers_agree_on_one_that_acts_and_another_one_acts_when_it_is_killed() {
    let mut world = World::of_three().await;
    let leader = world.acting()[0];
    let follower = (1..=3).find(|slot| *slot != leader).unwrap();

    // What is ordered at one holds at all.
    world.workers[&follower]
        .group
        .order(hold("a disk"))
        .await
        .unwrap();
    let held = |world: &World, slot: u64| {
        let given = world.workers[&slot].heard.given.lock().unwrap();
        given.get("db").is_some_and(|given| given.hold.is_some())
    };
    assert!(held(&world, follower), "whoever is answered obeys already");
    world
        .until("all obey", |world| (1..=3).all(|slot| held(world, slot)))
        .await;

    // What happened is told by all, once.
    let told = Told {
        cluster: "db".into(),
        at_ms: 1,
        fact: serde_json::json!({"text": "it happened"}),
    };
    for worker in world.workers.values() {
        worker.group.tell(told.clone(), false);
    }
    world
        .until("all tell it", |world| {
            let all = world.workers.values();
            all.map(|one| one.heard.told.lock().unwrap().clone())
                .all(|heard| heard == [(1, told.clone())])
        })
        .await;

    let intended = Intended {
        change: Change::Forget,
        target: "n4".into(),
        why: String::new(),
    };
    let mandate = world.workers[&leader].group.mandate("db");
    let first = mandate.intend(intended.clone()).await.unwrap();
    mandate.done(first, Ok("OK".into()));
    let refused = world.workers[&follower].group.mandate("db");
    assert!(refused.intend(intended.clone()).await.is_err());

    world.kill(leader).await;
    world
        .until("another one acts", |world| world.acting().len() == 1)
        .await;
    let next = world.acting()[0];
    assert!(held(&world, next));
    let mandate = world.workers[&next].group.mandate("db");
    let second = mandate.intend(intended).await.unwrap();
    assert!(second > first, "{second} after {first}");
    assert!(first > Fence(0));
}

#[tokio::test]
async fn whoever_is_told_to_end_hands_over_first() {
    let mut world = World::of_three().await;
    let leader = world.acting()[0];
    let Worker { stop, running, .. } = world.workers.remove(&leader).unwrap();
    stop.send_replace(true);
    world
        .until("another one acts", |world| world.acting().len() == 1)
        .await;
    timeout(DEADLINE, running).await.unwrap().unwrap().unwrap();
}

/// It said so as soon as it had asked for it, also where nobody was there to take over.
#[tokio::test]
async fn a_hand_over_is_done_once_another_one_leads() {
    let mut world = World::of_three().await;
    let leader = world.acting()[0];
    let group = world.workers[&leader].group.clone();
    let to = group.hand_over(None).await.unwrap().to_string();
    assert_ne!(to, group.status().me);
    world
        .until("it acts", |world| world.acting().len() == 1)
        .await;
    let next = world.acting()[0];
    let group = world.workers[&next].group.clone();
    for slot in (1..=3).filter(|slot| *slot != next) {
        world.kill(slot).await;
    }
    assert!(group.hand_over(None).await.is_err());
}

/// A number that none could have was heeded by nobody, and members that had heard it obeyed
/// nobody any more.
#[tokio::test]
async fn a_fence_that_is_far_above_all_is_gone_towards() {
    let mut world = World::new().await;
    world.start(1, None).await;
    world.list(&[]);
    world.until("it acts", |world| world.acting() == [1]).await;
    let group = world.workers[&1].group.clone();
    let before = group.shared.authority().fence().unwrap();
    group.raise(Fence(u64::MAX));
    let fence = || group.shared.authority().fence();
    world
        .until("it acts under a higher one", |_| {
            fence().is_some_and(|fence| fence > before)
        })
        .await;
    let Fence(most) = before.furthest();
    assert!(fence().unwrap() >= Fence(most) && fence().unwrap() < Fence(most + 1_000));
}

/// Consul, rqlite and orchestrator wait for addresses that are nobody's any more.
#[tokio::test]
async fn all_addresses_were_new_and_nobody_led_for_ever() {
    let mut world = World::of_three_that_keep().await;
    let group = world.workers[&1].group.status().group.clone();
    let leader = world.acting()[0];
    world.workers[&leader]
        .group
        .order(hold("kept"))
        .await
        .unwrap();
    for slot in 1..=3 {
        world.kill(slot).await;
    }
    // Slots 4 to 6 have their addresses, with the stores of 1 to 3.
    for slot in 4..=6 {
        let store = world.folder(slot - 3);
        std::fs::rename(
            store.join(format!("meshworker.{}", slot - 3)),
            store.join(format!("meshworker.{slot}")),
        )
        .unwrap();
        world.start(slot, Some(&store)).await;
    }
    world.list(&[]);
    world
        .until("one acts", |world| {
            world.acting().len() == 1 && (4..=6).all(|slot| world.voters(slot) == 3)
        })
        .await;
    assert_eq!(world.workers[&4].group.status().group, group);
    world
        .until("all know what was ordered", |world| {
            let all = world.workers.values();
            all.map(|one| one.heard.given.lock().unwrap().clone())
                .all(|given| given.get("db").is_some_and(|given| given.hold.is_some()))
        })
        .await;
}

/// Swarm started each slot on another node, whose volume had another slot's store: three
/// empty ones were made, and what was agreed on was lost with all disks whole.
#[tokio::test]
async fn a_store_that_another_slot_left_on_this_node_lay_there_unused() {
    let mut world = World::new().await;
    let state = world.state.path().to_owned();
    world.start(2, Some(&state)).await;
    world.list(&[]);
    world.until("it acts", |world| world.acting() == [2]).await;
    let before = world.workers[&2].group.status().me.clone();
    world.kill(2).await;
    world.start(3, Some(&state)).await;
    world.list(&[]);
    world.until("it acts", |world| world.acting() == [3]).await;
    assert_eq!(world.workers[&3].group.status().me, before);
    // What somebody has is his.
    world.start(2, Some(&state)).await;
    world.list(&[]);
    world
        .until("both are there", |world| {
            world.workers[&3].group.status().members.len() == 2
        })
        .await;
    assert_ne!(world.workers[&2].group.status().me, before);
}

/// Whoever knew no token had every place for three seconds, again and again, and no worker got in.
#[tokio::test]
async fn strangers_that_said_nothing_kept_workers_from_each_other() {
    let mut world = World::new().await;
    world.start(1, None).await;
    world.list(&[]);
    let port = SocketAddr::new(World::address(1), world.port);
    world.until("it acts", |world| world.acting() == [1]).await;
    let mut strangers = tokio::task::JoinSet::new();
    let connected = Arc::<AtomicUsize>::default();
    for number in 0..400_u16 {
        let connected = Arc::clone(&connected);
        strangers.spawn(async move {
            let last = u8::try_from(number % 4).unwrap();
            loop {
                let socket = TcpSocket::new_v4().unwrap();
                let own = SocketAddr::new(IpAddr::from([127, 0, 0, 200 + last]), 0);
                socket.bind(own).unwrap();
                if let Ok(mut stream) = socket.connect(port).await {
                    connected.fetch_add(1, Ordering::Relaxed);
                    let _ = stream.read(&mut [0]).await;
                }
            }
        });
    }
    let all = |_: &World| connected.load(Ordering::Relaxed) >= 400;
    world.until("all strangers are there", all).await;
    world.start(2, None).await;
    world.list(&[]);
    world
        .until("the second one is in step", |world| {
            let members = &world.workers[&1].group.status().members;
            members
                .iter()
                .any(|one| one.slot == Some(2) && one.behind == Some(0))
        })
        .await;
}

/// Swarm takes whoever is told to end out of the name at once. Those that stayed spoke to it
/// no more, and needed its vote to let it go: two of three ended, and nobody led for ever.
#[tokio::test]
async fn whoever_was_told_to_end_was_listed_no_more_and_could_not_be_let_go() {
    let mut world = World::of_three().await;
    let mut going = Vec::new();
    for slot in [2, 3] {
        let Worker { stop, running, .. } = world.workers.remove(&slot).unwrap();
        stop.send_replace(true);
        going.push((stop, running));
    }
    world.list(&[]);
    for (_stop, running) in going {
        timeout(DEADLINE, running).await.unwrap().unwrap().unwrap();
    }
    world
        .until("one alone acts", |world| {
            world.acting() == [1] && world.voters(1) == 1
        })
        .await;
}

/// Drains and orders to forget were lost with their group, and so were holds, if whoever gave
/// it up restarted before it was in the other one.
#[tokio::test]
async fn what_a_group_that_was_given_up_had_ordered_holds_in_the_other_one() {
    let mut world = World::new().await;
    let state = world.state.path().to_owned();
    world.start(1, Some(&state.join("a"))).await;
    world.start(11, Some(&state.join("b"))).await;
    world.list_to(1, &[1]);
    world.list_to(11, &[11]);
    world
        .until("both act", |world| world.acting() == [1, 11])
        .await;
    let order = |order: Order| Ordered { order, ..hold("") };
    let drain = Order::Drain {
        member: "db.3".into(),
        wanted: true,
    };
    let forget = Order::Forget { node: "n4".into() };
    for one in [hold("a disk"), order(drain), order(forget)] {
        world.workers[&1].group.order(one).await.unwrap();
    }
    // The other one has agreed on more.
    for _ in 0..20 {
        let resume = order(Order::Resume { member: None });
        world.workers[&11].group.order(resume).await.unwrap();
    }
    let groups = |world: &World| -> std::collections::BTreeSet<Option<String>> {
        let all = world.workers.values();
        all.map(|one| one.group.status().group.clone()).collect()
    };
    let other = world.workers[&11].group.status().group.clone();
    // Only the first one sees the other, which does not let it in: it gives its group up.
    world.list_to(1, &[1, 11]);
    world
        .until("it is in no group, or in the other one", |world| {
            let own = &world.workers[&1].group.status().group;
            own.is_none() || *own == other
        })
        .await;
    world.kill(1).await;
    world.start(1, Some(&state.join("a"))).await;
    world.list(&[]);
    world
        .until("there is one group", |world| {
            groups(world) == [other.clone()].into()
        })
        .await;
    world
        .until("all of it holds", |world| {
            let given = given(world, 11);
            let held = given.hold.as_ref().is_some_and(|held| held.why == "a disk");
            held && given.drains.contains("db.3") && given.forget.contains("n4")
        })
        .await;
}

/// "Done" was said of the worker that leads, which stayed; and who had been removed could not
/// come back before another one led.
#[tokio::test]
async fn a_removal_says_what_it_came_to_and_is_over_then() {
    let mut world = World::of_three().await;
    let store = |world: &World, slot: u64| -> StoreId {
        world.workers[&slot].group.status().me.parse().unwrap()
    };
    let leader = world.acting()[0];
    let follower = (1..=3).find(|slot| *slot != leader).unwrap();
    let (leads, follows) = (store(&world, leader), store(&world, follower));
    let group = world.workers[&leader].group.clone();
    let refused = |why: Result<(), String>, says: &str| {
        let why = why.unwrap_err();
        assert!(why.contains(says), "{why}");
    };
    refused(group.remove(leads).await, "hand-over");
    refused(group.remove(follows).await, "answers");
    refused(group.remove(StoreId(7)).await, "not in the group");
    let state = world.state.path().join("kept");
    world.kill(follower).await;
    let silent = |world: &World| {
        let status = world.workers[&leader].group.status();
        status
            .members
            .iter()
            .any(|one| one.store == follows.to_string() && !one.answers)
    };
    world.until("it is missed", silent).await;
    group.remove(follows).await.unwrap();
    world
        .until("two vote", |world| world.voters(leader) == 2)
        .await;
    world.start(follower, Some(&state)).await;
    world.list(&[]);
    world
        .until("three vote", |world| {
            (1..=3).all(|slot| world.voters(slot) == 3)
        })
        .await;
}
