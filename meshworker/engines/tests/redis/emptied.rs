//! A member without persistence that comes back empty in its place.

use std::time::Duration;

use meshworker_conformance::{Driver, World};
use tokio::time::{Instant, sleep};

use crate::servers::Servers;

const KEYS: usize = 300;

/// Without a file a master comes back empty before anybody takes over, and its replica
/// empties itself to follow it: to the servers all is well.
#[tokio::test]
async fn a_master_that_came_back_empty_in_its_place_was_no_loss() {
    let Some(mut servers) = Servers::with_replicas(0) else {
        return;
    };
    servers.config = vec!["appendonly no".into()];
    let nodes = servers.start(3).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;
    servers.client(nodes[0]).fill("key", KEYS).await;
    let begin = driver.elapsed();
    // Whoever has what is noted once it has been so for a while.
    while driver.elapsed() < begin + 4 * driver.limits.leave_hold {
        let plan = driver.pass(&nodes).await;
        assert_eq!(plan.losses, []);
        sleep(Duration::from_millis(50)).await;
    }
    let dir = servers.stop(nodes[1]);
    servers.start_at(nodes[1], dir).await;
    let begin = Instant::now();
    loop {
        let plan = driver.pass(&nodes).await;
        if let [loss] = plan.losses.as_slice() {
            assert!(loss.told && loss.what.starts_with("slots "), "{loss:?}");
            assert_eq!(loss.members.len(), 1);
            return;
        }
        assert!(begin.elapsed() < servers.patience(), "{plan:#?}");
        sleep(Duration::from_millis(50)).await;
    }
}
