//! One node misbehaves: the others become one cluster meanwhile, and it is
//! joined once it behaves.

use std::time::Duration;

use aerospike_sim::{Misbehaviour, NodeOptions};
use futures_util::future::join_all;

use crate::support::{Shift, World, until};

/// One of four nodes behaves like this for a while.
async fn the_others_go_on_without(bad: u16, how: Misbehaviour) {
    let what = how.to_string();
    let mut world = World::new().await;
    let good: Vec<u16> = (1..=4).filter(|number| *number != bad).collect();
    world.start(good.clone()).await;
    let misbehaving = NodeOptions {
        misbehaviour: how.clone(),
        ..world.options(bad)
    };
    world.start_as(bad, misbehaving).await;
    world.list(1..=4);
    let worker = Shift::start(world.cluster(&[]));
    world.one_cluster(good.clone()).await;
    worker.watch(3).await;
    world.one_cluster(good).await;
    assert_eq!(world.removals(), 0, "{what}");
    let told = async || world.node(bad).counts().of("tip");
    match how {
        // Told, and it did not help.
        Misbehaviour::RefuseTips | Misbehaviour::IgnoreTips => {
            until("a tip that does not help", told, |told| *told > 0).await;
        }
        _ => assert_eq!(told().await, 0, "{what}"),
    }

    world.misbehave(bad, Misbehaviour::None);
    world.one_cluster(1..=4).await;
    assert_eq!(world.removals(), 0, "{what}");
    worker.end().await;
}

/// The first one is the one that the others are told about, if it can be.
#[tokio::test]
async fn a_node_that_gives_no_proper_answer_is_joined_when_it_does() {
    let manners = [
        Misbehaviour::HalfThenStall,
        Misbehaviour::HalfThenClose,
        Misbehaviour::Garbage,
        Misbehaviour::Silent,
        Misbehaviour::Close,
        Misbehaviour::Late(Duration::from_secs(600)),
    ];
    let tests = manners.into_iter().zip([1, 2, 3, 4, 1, 2]);
    join_all(tests.map(|(how, bad)| the_others_go_on_without(bad, how))).await;
}

/// The last one is the one that is told about the others.
#[tokio::test]
async fn a_node_that_does_not_take_tips_is_joined_when_it_does() {
    let manners = [Misbehaviour::RefuseTips, Misbehaviour::IgnoreTips];
    join_all(manners.map(|how| the_others_go_on_without(4, how))).await;
}

/// For a while it says that it belongs to another cluster.
#[tokio::test]
async fn a_node_of_another_name_is_joined_when_it_has_ours() {
    the_others_go_on_without(3, Misbehaviour::WrongName("other".into())).await;
}
