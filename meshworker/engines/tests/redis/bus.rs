//! Members that show each other certificates, while clients need none.

use std::time::Duration;

use meshworker_conformance::{Driver, World};
use meshworker_engines::Engine;
use tokio::time::{Instant, sleep};

use crate::servers::{PORT, Servers};

const REST: Duration = Duration::from_millis(50);

#[tokio::test]
async fn slots_and_copies_move_over_a_bus_that_is_encrypted() {
    let Some(mut servers) = Servers::with_replicas(0) else {
        return;
    };
    servers.set_bus_tls();
    let mut nodes = servers.start(3).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;
    servers.fill(nodes[0]).await;
    nodes.extend(servers.start(1).await);
    driver.until_one(&nodes, servers.patience()).await;
    assert_eq!(servers.lost(nodes[0]).await, 0, "{}", driver.story());
    let view = servers.engine().observe(nodes[3]).await.unwrap();
    let own = view
        .detail
        .table
        .iter()
        .find(|entry| entry.node == view.node);
    assert!(own.unwrap().slots.count() > 4000, "{}", driver.story());

    // Replicas find their master at its other port.
    servers
        .access
        .options
        .insert("replicas-per-master".into(), "1".into());
    let mut driver = Driver::new(servers.engine());
    nodes.extend(servers.start(4).await);
    driver.until_one(&nodes, servers.patience()).await;
    assert_eq!(servers.lost(nodes[0]).await, 0, "{}", driver.story());
}

/// Anybody's Redis that said CLUSTER MEET was in everybody's list.
#[tokio::test]
async fn a_stranger_without_a_certificate_met_a_member() {
    let Some(mut servers) = Servers::plain() else {
        return;
    };
    servers.set_bus_tls();
    let nodes = servers.start(3).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;
    for own_certificates in [false, true] {
        servers.config = vec![format!("cluster-port {}", PORT + 10_000)];
        if own_certificates {
            // Those of somebody else's authority.
            servers.set_bus_tls_of("another");
        }
        let stranger = servers.start(1).await[0];
        let mut client = servers.client(stranger);
        let port = PORT.to_string();
        for node in &nodes {
            let met = ["CLUSTER", "MEET", &node.to_string(), &port];
            assert_eq!(client.tell(stranger, &met).await, "OK");
        }
        // Until it has given up all of its handshakes, or is let in.
        let begin = Instant::now();
        loop {
            let ours = servers.engine().observe(nodes[0]).await.unwrap();
            assert_eq!(ours.peers.len(), 3, "{ours:?}");
            let theirs = client.tell(stranger, &["CLUSTER", "NODES"]).await;
            if theirs.trim_end().lines().count() == 1 {
                break;
            }
            assert!(begin.elapsed() < servers.patience(), "{theirs}");
            sleep(REST).await;
        }
    }
}
