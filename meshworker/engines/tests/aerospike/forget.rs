//! Departed nodes, and the tips that lead to them.

use std::time::Duration;

use aerospike_sim::info;

use crate::worker::{PATIENCE, SOON, Worker, addresses, performed, seeds, start};

/// The old script never cleared a tip. Here the node leaves that all the others
/// were told about.
#[tokio::test]
async fn a_departed_node_leaves_no_tip_behind() {
    let (_block, at) = addresses(4);
    let mut nodes = start(&at).await;
    let mut worker = Worker::new(&at, PATIENCE);
    worker.until_one_of(4).await;
    let gone = nodes.remove(&at[0]).unwrap();
    let seed = gone.heartbeat().to_string();
    for node in nodes.values() {
        assert!(seeds(node).await.contains(&seed), "a test of nothing");
    }
    gone.stop().await;
    worker.dns.remove(0);

    let passes = worker
        .until("all is forgotten", |pass| {
            let views = pass.answers.values().flatten();
            pass.is_one_of(3)
                && views.clone().count() == 3
                && views
                    .clone()
                    .all(|view| view.size == 3 && view.detail.departed.is_empty())
        })
        .await;
    assert_eq!(performed(&passes, "tip:"), 0, "{passes:#?}");
    // Once by itself, and once before the reset that destroys the evidence.
    assert_eq!(performed(&passes, "services-alumni-reset"), 3);
    for node in nodes.values() {
        assert_eq!(seeds(node).await, "");
        let alumni = info(node.service(), "services-alumni").await.unwrap();
        assert!(!alumni.contains(&at[0].to_string()), "{alumni}");
    }
    // And that is all.
    let pass = worker.pass().await;
    assert_eq!((pass.plan.steps, pass.plan.refusals), (vec![], vec![]));
}

/// Nobody is forgotten while the name server lists it, nor while it is seen.
#[tokio::test]
async fn a_node_that_is_wanted_is_not_forgotten() {
    let (_block, at) = addresses(3);
    let mut nodes = start(&at).await;
    let mut worker = Worker::new(&at, PATIENCE);
    worker.limits.retry_first = SOON;
    worker.until_one_of(3).await;
    nodes.remove(&at[2]).unwrap().stop().await;
    let passes = worker
        .until("its peers have noticed", |pass| {
            pass.answers.values().flatten().all(|view| view.size == 2)
        })
        .await;
    assert_eq!(performed(&passes, "tip-clear"), 0);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let pass = worker.pass().await;
    assert!(pass.plan.steps.is_empty(), "{pass:#?}");

    // It comes back at its address, and the seeds that it had left behind and
    // the tip that it gets now are the same cluster.
    nodes.extend(start(&at[2..]).await);
    worker.until_one_of(3).await;
}

/// The live members' tips stay.
#[tokio::test]
async fn only_the_departed_nodes_tips_are_cleared() {
    let (_block, at) = addresses(4);
    let mut nodes = start(&at).await;
    let mut worker = Worker::new(&at, PATIENCE);
    worker.until_one_of(4).await;
    let before = seeds(&nodes[&at[1]]).await;
    assert_ne!(before, "");
    nodes.remove(&at[3]).unwrap().stop().await;
    worker.dns.pop();
    worker
        .until("all is forgotten", |pass| {
            let mut views = pass.answers.values().flatten();
            pass.is_one_of(3) && views.all(|view| view.detail.departed.is_empty())
        })
        .await;
    assert_eq!(seeds(&nodes[&at[1]]).await, before);
    assert!(nodes[&at[1]].counts().of("tip-clear") > 0);
}
