//! Who is at an address decides, not the address.

use aerospike_sim::NodeOptions;
use fake_dns::Behaviour;
use meshworker_core::Reason;

use crate::support::{Shift, World, look, until};

/// The nodes of another service, whose names are answered by the same server.
async fn two_services() -> [World; 2] {
    let [mut red, mut blue] = [World::new().await, World::new().await];
    red.service = "red".to_owned();
    blue.service = "blue".to_owned();
    [red, blue]
}

/// Each service's name leads to one node of the other one as well.
#[tokio::test]
async fn two_services_whose_records_are_mixed_up_never_meet() {
    let [mut red, mut blue] = two_services().await;
    for world in [&mut red, &mut blue] {
        world.start(1..=3).await;
    }
    for (own, other) in [(&red, &blue), (&blue, &red)] {
        let mixed = Behaviour::stale(&own.addresses(1..=3), &other.addresses([1]));
        own.dns.set(&own.service, mixed);
    }
    // The name may be configured, or be the one that most of them give.
    let workers = [
        Shift::start(red.cluster(&[])),
        Shift::start(blue.cluster(&[("cluster-name", "")])),
    ];
    for world in [&red, &blue] {
        world.one_cluster(1..=3).await;
    }
    for worker in &workers {
        worker.watch(10).await;
    }
    for (own, other, more) in [
        (&red, &blue, None),
        (&blue, &red, Some(("cluster-name", ""))),
    ] {
        own.one_cluster(1..=3).await;
        let seeds = own.all_seeds().await;
        for stranger in other.addresses(1..=3) {
            assert!(!seeds.contains(&stranger), "{stranger} is in {seeds:?}");
        }
        for number in 1..=3 {
            let met = own.node(number).counts().name_warnings;
            assert_eq!(met, 0, "{} met a stranger", own.address(number));
        }
        assert_eq!(own.removals(), 0);

        let wrong = Reason::WrongCluster {
            expected: own.service.clone(),
            found: other.service.clone(),
        };
        let stranger = format!("join {}", other.address(1));
        let refused = |r: &meshworker_core::Refusal| r.reason == wrong && r.what == stranger;
        // Whoever answers too late in one pass is seen in another one.
        let plan = async || look(own.cluster(more.as_slice())).await.plan;
        let plan = until("a refusal", plan, |p| p.refusals.iter().any(refused)).await;
        assert!(!plan.unity.is_one(), "{}", plan.unity);
    }
    for worker in workers {
        worker.end().await;
    }
}

/// A member goes, and a node of another cluster gets its address: the
/// survivors stop dialling it, and nobody is told about it again.
async fn an_address_is_reused(listed_still: bool) {
    let mut world = World::formed(1..=4).await;
    let reused = world.address(1);
    for survivor in 2..=4 {
        assert!(world.seeds(survivor).await.contains(&reused));
    }
    world.stop(1).await;
    let stranger = NodeOptions {
        cluster_name: "other".to_owned(),
        ..world.options(1)
    };
    world.start_as(1, stranger).await;
    world.list(if listed_still { 1..=4 } else { 2..=4 });
    world.one_cluster(2..=4).await;

    let worker = Shift::start(world.cluster(&[]));
    world.forgotten_by(2..=4).await;
    let look = async || world.all_seeds().await;
    until("no seed leads to the stranger", look, |seeds| {
        !seeds.contains(&reused)
    })
    .await;
    worker.watch(10).await;
    assert_eq!(world.all_seeds().await.get(&reused), None);
    assert_eq!(world.node(1).counts().of("tip"), 0);
    assert_eq!(world.seeds(1).await.len(), 0);
    world.one_cluster([1]).await;
    world.one_cluster(2..=4).await;
    worker.end().await;
}

#[tokio::test]
async fn an_address_that_another_cluster_took_is_cleared_and_not_tipped() {
    an_address_is_reused(false).await;
}

/// With a stale record, too: that the stranger answers is no sign of life of
/// the member that was there.
#[tokio::test]
async fn an_address_that_another_cluster_took_is_cleared_although_still_listed() {
    an_address_is_reused(true).await;
}
