//! Records: where they are, how they move, and how many are lost when nodes die.

use aerospike_sim::SimNode;
use aerospike_sim::testing::{Writers, wait_for};

use crate::common::{Field, PATIENCE, ask, form, item, one_cluster, settled, tip};

const ALL: usize = 5_000;

async fn fill(node: &SimNode) {
    let put = format!("sim-put-many:ns=test;prefix=key-;from=1;to={ALL}");
    assert_eq!(ask(node, &put).await, format!("written={ALL};failed=0"));
}

async fn found(node: &SimNode) -> usize {
    let check = ask(
        node,
        &format!("sim-check-many:ns=test;prefix=key-;from=1;to={ALL}"),
    )
    .await;
    item(&check, "found").parse().unwrap()
}

/// Recorded: on files all three may be killed at once, and come back at other addresses, as other nodes, with all records.
#[tokio::test]
async fn what_is_in_files_outlives_all_nodes_at_once() {
    let field = Field::new();
    let dir = tempfile::tempdir().unwrap();
    let start = async |first: u16| {
        let mut nodes = Vec::new();
        for slot in 0..3 {
            let mut options = field.quick_options(first + slot);
            options.files = vec![("test".to_owned(), dir.path().join(slot.to_string()))];
            nodes.push(SimNode::start(options).await.unwrap());
        }
        form(&nodes).await;
        settled(&nodes).await;
        nodes
    };
    let nodes = start(0).await;
    fill(&nodes[0]).await;
    let before: Vec<_> = nodes.iter().map(SimNode::id).collect();
    drop(nodes);
    let nodes = start(3).await;
    assert!(nodes.iter().all(|node| !before.contains(&node.id())));
    assert_eq!(found(&nodes[0]).await, ALL);
}

#[tokio::test]
async fn every_node_reads_and_writes_every_record() {
    let field = Field::new();
    let nodes = field.start_many(0..3).await;
    assert!(
        ask(&nodes[0], "sim-put:ns=test;key=a;value=1;timeout-ms=1")
            .await
            .starts_with("ERROR:9:"),
        "no cluster yet"
    );
    form(&nodes).await;
    for (writer, node) in nodes.iter().enumerate() {
        assert_eq!(
            ask(node, &format!("sim-put:ns=test;key=a;value=v{writer}")).await,
            "ok"
        );
        for reader in &nodes {
            assert_eq!(
                ask(reader, "sim-get:ns=test;key=a").await,
                format!("v{writer}")
            );
        }
    }
    assert_eq!(
        ask(&nodes[0], "sim-get:ns=test;key=b").await,
        "ERROR:2:not found"
    );
    assert_eq!(
        ask(&nodes[0], "sim-get:ns=none;key=b").await,
        "ERROR:20:unknown namespace"
    );
    assert_eq!(
        ask(&nodes[0], "sim-put:ns=test;key=b").await,
        "ERROR:4:missing 'value'"
    );
    assert_eq!(ask(&nodes[2], "sim-count:ns=test").await, "1");
    let mut copies = 0;
    for node in &nodes {
        copies += item(&ask(node, "namespace/test").await, "objects")
            .parse::<usize>()
            .unwrap();
    }
    assert_eq!(copies, 2);
}

#[tokio::test]
async fn two_of_five_killed_at_once_lose_a_tenth() {
    let field = Field::new();
    let mut nodes = field.start_many_quick(0..5).await;
    form(&nodes).await;
    fill(&nodes[2]).await;
    assert_eq!(found(&nodes[0]).await, ALL);
    drop(nodes.split_off(3));
    one_cluster(&nodes, 3).await;
    settled(&nodes).await;
    let lost = ALL - found(&nodes[1]).await;
    eprintln!("{lost} of {ALL} records lost");
    // Who owns what depends on the addresses, so a tenth is an average.
    assert!(
        (ALL * 6 / 100..ALL * 14 / 100).contains(&lost),
        "{lost} lost"
    );
    assert_eq!(
        ask(&nodes[0], "sim-count:ns=test").await,
        (ALL - lost).to_string()
    );
}

#[tokio::test]
async fn one_after_another_with_migrations_between_loses_none() {
    let field = Field::new();
    let mut nodes = field.start_many_quick(0..5).await;
    form(&nodes).await;
    fill(&nodes[0]).await;
    while nodes.len() > 2 {
        nodes.pop();
        let killed = tokio::time::Instant::now();
        one_cluster(&nodes, nodes.len()).await;
        settled(&nodes).await;
        eprintln!(
            "{} nodes settled {:?} after the kill",
            nodes.len(),
            killed.elapsed()
        );
        assert_eq!(
            found(&nodes[0]).await,
            ALL,
            "with {} nodes left",
            nodes.len()
        );
    }
}

#[tokio::test]
async fn newcomers_take_their_share_and_the_progress_is_seen() {
    let field = Field::new();
    let mut nodes = field.start_many_quick(0..2).await;
    form(&nodes).await;
    fill(&nodes[0]).await;
    for node in &nodes {
        assert_eq!(
            ask(node, "sim-migrate-rate:partitions-per-second=0").await,
            "ok"
        );
    }
    nodes.push(field.start_quick(2).await);
    tip(&nodes[0], &nodes[2]).await;
    one_cluster(&nodes, 3).await;
    let remaining = async || {
        let (mut sending, mut expecting) = (0_usize, 0_usize);
        for node in &nodes {
            let namespace = ask(node, "namespace/test").await;
            sending += item(&namespace, "migrate_tx_partitions_remaining")
                .parse::<usize>()
                .unwrap();
            expecting += item(&namespace, "migrate_rx_partitions_remaining")
                .parse::<usize>()
                .unwrap();
        }
        (sending, expecting)
    };
    // Of 4096 partitions about 2900 have records. Two thirds of them get a copy on the third node, and both old owners have still
    // to confirm each of them.
    let paused = wait_for(
        "a paused migration",
        PATIENCE,
        remaining,
        |(sending, expecting)| sending == expecting && (3_200..4_500).contains(sending),
    );
    eprintln!(
        "{:?} partitions to send and to expect",
        paused.await.unwrap()
    );
    let unstable = ask(&nodes[0], "cluster-stable:size=3;ignore-migrations=false").await;
    assert_eq!(unstable, "ERROR:7:unstable cluster");
    assert_eq!(
        found(&nodes[2]).await,
        ALL,
        "read from the old owners meanwhile"
    );
    assert_eq!(
        ask(&nodes[2], "sim-put:ns=test;key=key-1;value=meanwhile").await,
        "ok"
    );

    nodes.iter().for_each(|node| node.set_migrate_rate(4_000));
    settled(&nodes).await;
    let mut copies = Vec::new();
    for node in &nodes {
        copies.push(
            item(&ask(node, "namespace/test").await, "objects")
                .parse::<usize>()
                .unwrap(),
        );
    }
    assert_eq!(
        copies.iter().sum::<usize>(),
        2 * ALL,
        "{copies:?}: nobody keeps what belongs to others"
    );
    assert!(
        copies
            .iter()
            .all(|own| (ALL / 2..ALL * 9 / 10).contains(own)),
        "{copies:?}"
    );
    assert_eq!(
        ask(&nodes[0], "sim-get:ns=test;key=key-1").await,
        "meanwhile"
    );
}

#[tokio::test]
async fn a_node_that_comes_back_quickly_comes_back_empty() {
    let field = Field::new();
    let mut nodes = field.start_many_quick(0..2).await;
    form(&nodes).await;
    fill(&nodes[0]).await;
    // Within the time in which its death goes unnoticed: only the incarnation tells.
    nodes.pop().unwrap().stop().await;
    nodes.push(field.start_quick(1).await);
    one_cluster(&nodes, 2).await;
    settled(&nodes).await;
    nodes.remove(0).stop().await;
    one_cluster(&nodes, 1).await;
    assert_eq!(found(&nodes[0]).await, ALL, "the second copy was made anew");
}

#[tokio::test]
async fn acknowledged_writes_survive_members_leaving_in_order() {
    let field = Field::new();
    let mut nodes = field.start_many_quick(0..4).await;
    form(&nodes).await;
    let services: Vec<_> = nodes.iter().map(SimNode::service).collect();
    let writers = Writers::start(&services[..2]);
    for _ in 0..2 {
        writers.go_on(50).await.unwrap();
        settled(&nodes).await;
        nodes.pop();
        one_cluster(&nodes, nodes.len()).await;
    }
    nodes.push(field.start_quick(2).await);
    one_cluster(&nodes, 3).await;
    writers.go_on(50).await.unwrap();
    let acknowledged = writers.end().await;
    settled(&nodes).await;
    for number in &acknowledged {
        let value = ask(&nodes[2], &format!("sim-get:ns=test;key=w{number}")).await;
        assert_eq!(value, number.to_string());
    }
    eprintln!("{} acknowledged writes, all there", acknowledged.len());
}
