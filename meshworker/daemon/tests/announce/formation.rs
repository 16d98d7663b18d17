//! Members that announce themselves become one cluster, whatever DNS says.

use std::sync::Arc;

use meshworker::announce::Phase;
use meshworker::board::{Board, Powers};
use meshworker::worker;

use crate::post::{Post, member};
use crate::support::{World, until};

/// No replica is healthy yet, so there is no name, and there is no Docker API.
#[tokio::test]
async fn members_without_a_name_become_one_cluster_and_hear_of_it() {
    let mut world = World::new().await;
    world.start(1..=3).await;
    let post = Post::open().await;
    let registry = Some(Arc::clone(&post.registry));
    let worker = worker::run(
        world.cluster(&[]),
        Board::new(Powers::default()),
        registry,
        post.stop.subscribe(),
    );
    let worker = tokio::spawn(worker);
    let announce = async || {
        let mut answers = Vec::new();
        for slot in 1..=3 {
            let said = member(slot, world.address(slot as u16), Phase::Present, slot);
            match post.registry.desk("db") {
                Some(_) => answers.push(post.announce(&said).await),
                None => return Vec::new(),
            }
        }
        answers
    };
    until("all in place", announce, |answers| {
        !answers.is_empty() && answers.iter().all(|answer| answer.in_place)
    })
    .await;
    world.one_cluster(1..=3).await;
    for (answer, generation) in announce().await.iter().zip(1..) {
        assert_eq!(answer.generation, generation);
        assert_eq!(answer.cluster, "one cluster of 3 members");
        assert_eq!(answer.verdict, None);
    }
    assert_eq!(world.removals(), 0);

    // With its worker the cluster is gone from the server as well.
    let registry = Arc::clone(&post.registry);
    post.close().await;
    worker.await.unwrap();
    assert!(registry.desk("db").is_none());
}
