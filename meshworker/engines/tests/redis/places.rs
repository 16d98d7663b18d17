//! Several members at one address, each at a port of its own: a name server tells the
//! address alone, and the members say where they are.

use std::collections::BTreeSet;

use meshworker_conformance::World;
use meshworker_core::Place;
use meshworker_engines::Engine;
use tokio::time::Instant;

use crate::servers::Servers;
use crate::worker::Worker;

/// Passes until this is so.
async fn until(
    worker: &mut Worker,
    servers: &Servers,
    what: &str,
    mut so: impl FnMut(bool, &[Place]) -> bool,
) {
    let begin = Instant::now();
    loop {
        let (plan, granted) = worker.pass().await;
        if so(plan.unity.is_one() && plan.steps.is_empty(), &granted) {
            return;
        }
        let late = begin.elapsed() >= servers.patience();
        assert!(!late, "{what}: {}\n{}", plan.unity, worker.story);
    }
}

#[tokio::test]
async fn six_at_one_address_form_a_cluster_and_one_of_them_leaves() {
    let Some(mut servers) = Servers::plain() else {
        return;
    };
    let nodes = servers.start_at_one_address(6).await;
    let addresses: BTreeSet<_> = nodes.iter().map(|place| place.address).collect();
    assert_eq!(addresses.len(), 1);
    let mut worker = Worker::new(servers.engine(), &nodes);
    until(&mut worker, &servers, "six become one", |one, _| one).await;
    let engine = servers.engine();
    for node in &nodes {
        let view = engine.observe(*node).await.unwrap();
        let told: BTreeSet<Place> = view.peers.iter().filter_map(|peer| peer.address).collect();
        assert_eq!(told, nodes.iter().copied().collect());
    }
    // The one that is asked is the one that goes, and nobody else at that address.
    let leaver = nodes[5];
    worker.leaving.insert(leaver);
    let mut granted = Vec::new();
    until(&mut worker, &servers, "one may go", |_, now| {
        granted = now.to_vec();
        !now.is_empty()
    })
    .await;
    assert_eq!(granted, [leaver]);
    servers.stop(leaver);
    worker.leaving.clear();
    worker.listed.retain(|place| *place != leaver);
    worker.ended.insert(leaver);
    until(&mut worker, &servers, "five are one", |one, _| one).await;
    let begin = Instant::now();
    loop {
        worker.pass().await;
        let view = engine.observe(nodes[0]).await.unwrap();
        if view.peers.len() == 5 {
            return;
        }
        let late = begin.elapsed() >= servers.patience();
        assert!(!late, "it is remembered\n{}", worker.story);
    }
}
