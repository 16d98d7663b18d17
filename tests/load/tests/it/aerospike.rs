//! Against simulated nodes: a node dies and nothing is lost; two die at once,
//! and what is lost is seen.

use std::net::IpAddr;
use std::time::Duration;

use aerospike_sim::testing::{Loopback, wait_for};
use aerospike_sim::{NodeOptions, SimNode, info};
use meshworker_load::{DatabaseKind, fill, verify};

use crate::common::{PATIENCE, RECORDS, Running, options};

/// Waits until these are one cluster with nothing left to move.
async fn settled(nodes: &[SimNode]) {
    let command = format!(
        "cluster-stable:size={};ignore-migrations=false",
        nodes.len()
    );
    let look = async || {
        let mut all = Vec::new();
        for node in nodes {
            all.push(info(node.service(), &command).await.unwrap());
        }
        all
    };
    let same = |all: &Vec<String>| {
        let stable = |key: &String| !key.starts_with("ERROR") && *key == all[0];
        all.iter().all(stable)
    };
    wait_for("one cluster at rest", PATIENCE, look, same)
        .await
        .unwrap();
}

#[tokio::test]
async fn one_of_five_dies_and_nothing_is_lost_two_and_it_is_seen() {
    let loopback = Loopback::claim().unwrap();
    let addresses: Vec<IpAddr> = (0..5).map(|number| loopback.address(number)).collect();
    let mut nodes = Vec::new();
    for address in &addresses {
        let options = NodeOptions {
            first_round: Duration::from_millis(300),
            ..NodeOptions::at(*address)
        };
        nodes.push(SimNode::start(options).await.unwrap());
    }
    for node in &nodes[1..] {
        let tip = format!("tip:host={};port=3002", node.heartbeat().ip());
        assert_eq!(info(nodes[0].service(), &tip).await.unwrap(), "ok");
    }
    settled(&nodes).await;
    let folder = tempfile::tempdir().unwrap();
    let options = options(DatabaseKind::Aerospike, &addresses, 3000, folder.path());
    assert_eq!(fill(&options).await.unwrap(), RECORDS);

    let mut running = Running::start(&options).await;
    running.goes_on(50).await;
    running.mark("kill").await;
    drop(nodes.remove(0));
    running.goes_on(50).await;
    settled(&nodes).await;
    let end = running.finish().await;
    assert_eq!((end.read_mismatches, &end.first_mismatch), (0, &None));
    // A dead node is one after 1.5 s without a heartbeat.
    assert!(end.write_stall_overall_ms >= 500, "{end:?}");

    let whole = verify(&options).await.unwrap();
    assert!(whole.is_whole(), "{whole:?}");
    assert_eq!(whole.acknowledged, end.acknowledged);
    assert!(whole.acknowledged >= 100 && whole.records == RECORDS);

    // Who comes later goes on where the first one ended.
    let again = Running::start(&options).await.finish().await;
    assert!(again.acknowledged > end.acknowledged);

    nodes.truncate(2);
    settled(&nodes).await;
    let less = verify(&options).await.unwrap();
    assert!(
        less.found < RECORDS && less.acknowledged_lost > 0,
        "{less:?}"
    );
    assert_eq!(less.lost.len(), 20);
}
