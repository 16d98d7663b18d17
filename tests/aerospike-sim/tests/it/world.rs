//! Many nodes in one process without heartbeats.

use std::time::Duration;

use aerospike_sim::testing::wait_for;
use aerospike_sim::{Edition, NodeOptions, SimNode, World, WorldOptions, info};
use tokio::time::Instant;

use crate::common::{Field, PATIENCE, ask, clear_command, item, one_cluster, standings, tip};

async fn start(field: &Field, world: &World, number: u16, edition: Edition) -> SimNode {
    let options = NodeOptions {
        edition,
        first_round: Duration::from_millis(100),
        ..field.options(number)
    };
    SimNode::start_in(world, options).await.unwrap()
}

fn prompt() -> WorldOptions {
    WorldOptions {
        merge_delay: Duration::from_millis(100),
        dead_after: Duration::from_millis(400),
    }
}

#[tokio::test]
async fn tips_merge_and_deaths_part() {
    let field = Field::new();
    let world = World::new(prompt());
    let mut nodes = Vec::new();
    for number in 0..4 {
        nodes.push(start(&field, &world, number, Edition::Community).await);
    }
    for node in &nodes {
        one_cluster(std::slice::from_ref(node), 1).await;
    }
    tip(&nodes[0], &nodes[1]).await;
    tip(&nodes[2], &nodes[1]).await;
    let three = one_cluster(&nodes[..3], 3).await;
    assert_ne!(standings(&nodes[3..]).await[0].1, three);
    assert_eq!(
        ask(&nodes[0], "cluster-stable:size=3;ignore-migrations=false").await,
        three
    );
    let dead = nodes.remove(1);
    let (clear, address) = (clear_command(&dead), dead.service());
    let killed = Instant::now();
    drop(dead);
    one_cluster(&nodes[..2], 2).await;
    assert!(
        killed.elapsed() >= prompt().dead_after,
        "a death is noticed late"
    );
    assert!(
        ask(&nodes[0], "services-alumni")
            .await
            .contains(&address.to_string())
    );
    assert_eq!(ask(&nodes[0], &clear).await, "ok");
    assert_eq!(
        ask(&nodes[2], "sim-count:ns=test").await,
        "ERROR:4:a shared world holds no records"
    );
}

#[tokio::test]
async fn the_community_limit_holds_here_too() {
    let field = Field::new();
    let world = World::new(prompt());
    let mut nodes = Vec::new();
    for number in 0..9 {
        nodes.push(start(&field, &world, number, Edition::Community).await);
    }
    for node in &nodes[1..] {
        tip(&nodes[0], node).await;
    }
    let look = async || {
        let mut sizes: Vec<usize> = standings(&nodes)
            .await
            .into_iter()
            .map(|(size, _)| size)
            .collect();
        sizes.sort_unstable();
        sizes
    };
    wait_for("eight and one", PATIENCE, look, |sizes| {
        *sizes == [1, 8, 8, 8, 8, 8, 8, 8, 8]
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_thousand_nodes_become_one_by_one_tip_each() {
    let field = Field::new();
    let world = World::new(prompt());
    let mut nodes = Vec::new();
    for number in 0..1_000 {
        nodes.push(start(&field, &world, number, Edition::Enterprise).await);
    }
    for pair in nodes.windows(2) {
        tip(&pair[0], &pair[1]).await;
    }
    let sizes = async || {
        nodes
            .iter()
            .filter(|node| node.cluster().is_some_and(|all| all.size() == 1_000))
            .count()
    };
    wait_for("one cluster of a thousand", PATIENCE, sizes, |all| {
        *all == 1_000
    })
    .await
    .unwrap();
    let statistics = info(nodes[500].service(), "statistics").await.unwrap();
    assert_eq!(item(&statistics, "cluster_size"), "1000");
    assert_eq!(
        nodes
            .iter()
            .map(|node| node.counts().of("tip"))
            .sum::<u64>(),
        999
    );
}
