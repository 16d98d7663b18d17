//! Clusters that form, merge, lose members and stay apart, over real heartbeats.

use std::net::IpAddr;
use std::time::Duration;

use aerospike_sim::testing::wait_for;
use aerospike_sim::{Misbehaviour, NodeOptions, SimNode};
use tokio::time::Instant;

use crate::common::{Field, PATIENCE, ask, clear_command, form, item, one_cluster, standings, tip};

#[tokio::test]
async fn one_tip_joins_two_nodes_in_about_a_second() {
    let field = Field::new();
    let nodes = field.start_many(0..2).await;
    for node in &nodes {
        one_cluster(std::slice::from_ref(node), 1).await;
    }
    let before = standings(&nodes).await;
    assert_ne!(before[0].1, before[1].1, "fragments have keys of their own");
    let tipped = Instant::now();
    tip(&nodes[0], &nodes[1]).await;
    let key = one_cluster(&nodes, 2).await;
    let took = tipped.elapsed();
    eprintln!("two nodes were one {took:?} after the tip");
    assert!(
        took >= Duration::from_millis(900),
        "{took:?}: sooner than a real cluster"
    );
    assert!(before.iter().all(|(_, old)| *old != key));
}

#[tokio::test]
async fn tips_before_the_first_round_make_one_cluster_in_that_round() {
    let field = Field::new();
    let mut nodes = Vec::new();
    for number in 0..3 {
        // Twenty heartbeats: time enough for two tips, and a machine that is busy is slow with both.
        let first_round = Duration::from_secs(3);
        let options = NodeOptions {
            first_round,
            ..field.options(number)
        };
        nodes.push(SimNode::start(options).await.unwrap());
    }
    tip(&nodes[0], &nodes[1]).await;
    tip(&nodes[2], &nodes[1]).await;
    let mut seen = Vec::new();
    let look = async || {
        let all = standings(&nodes).await;
        seen.extend(all.iter().map(|(size, _)| *size));
        all
    };
    wait_for("three in one", PATIENCE, look, |all| {
        all.iter().all(|(size, _)| *size == 3)
    })
    .await
    .unwrap();
    seen.retain(|size| *size != 0 && *size != 3);
    assert_eq!(
        seen,
        Vec::<usize>::new(),
        "nobody was ever in a smaller cluster"
    );
}

#[tokio::test]
async fn one_tip_joins_two_clusters_whichever_side_is_told() {
    let field = Field::new();
    let nodes = field.start_many(0..6).await;
    for fragment in nodes.chunks(2) {
        form(fragment).await;
    }
    let keys: std::collections::BTreeSet<String> = standings(&nodes)
        .await
        .into_iter()
        .map(|(_, key)| key)
        .collect();
    assert_eq!(keys.len(), 3);
    // Into the high fragment from a low member, and out of the middle one towards a low member.
    tip(&nodes[0], &nodes[5]).await;
    tip(&nodes[3], &nodes[1]).await;
    one_cluster(&nodes, 6).await;
}

#[tokio::test]
async fn another_cluster_name_merges_nothing_and_is_warned_about_until_cleared() {
    let field = Field::new();
    let other = NodeOptions {
        cluster_name: "other".to_owned(),
        ..field.options(1)
    };
    let nodes = [field.start(0).await, SimNode::start(other).await.unwrap()];
    tip(&nodes[0], &nodes[1]).await;
    let warnings = async || {
        (
            nodes[0].counts().name_warnings,
            nodes[1].counts().name_warnings,
        )
    };
    wait_for(
        "warnings on both sides",
        PATIENCE,
        warnings,
        |(one, other)| *one >= 2 && *other >= 2,
    )
    .await
    .unwrap();
    let alone = standings(&nodes).await;
    assert!(
        alone.iter().all(|(size, _)| *size == 1) && alone[0].1 != alone[1].1,
        "{alone:?}"
    );

    assert_eq!(ask(&nodes[0], &clear_command(&nodes[1])).await, "ok");
    // The warnings end: for three rounds there are none.
    let mut last = warnings().await;
    let mut since = Instant::now();
    let quiet = async || {
        let now = warnings().await;
        if now != last {
            (last, since) = (now, Instant::now());
        }
        since.elapsed()
    };
    wait_for("no more warnings", PATIENCE, quiet, |quiet| {
        *quiet > Duration::from_secs(3)
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_killed_node_leaves_the_view_and_stays_an_alumnus() {
    let field = Field::new();
    let mut nodes = field.start_many(0..3).await;
    let before = form(&nodes).await;
    // The principal, so that another has to take over.
    let dead = nodes.pop().unwrap();
    let (address, clear) = (dead.service(), clear_command(&dead));
    let killed = Instant::now();
    drop(dead);
    let after = one_cluster(&nodes, 2).await;
    let took = killed.elapsed();
    eprintln!("the dead node was out {took:?} after its end");
    assert!(
        took >= Duration::from_millis(1200),
        "{took:?}: sooner than a real cluster notices"
    );
    assert_ne!(before, after);
    let statistics = ask(&nodes[0], "statistics").await;
    assert_eq!(
        item(&statistics, "cluster_principal"),
        nodes[1].id().to_string()
    );

    for node in &nodes {
        assert!(
            ask(node, "services-alumni")
                .await
                .contains(&address.to_string())
        );
        assert_eq!(ask(node, "services-alumni-reset").await, "ok");
        assert!(
            !ask(node, "services-alumni")
                .await
                .contains(&address.to_string())
        );
    }
    // The seed is still there, and gone after one clearing.
    assert_eq!(ask(&nodes[0], &clear).await, "ok");
    assert_eq!(
        ask(&nodes[0], &clear).await,
        "ERROR::0 cleared, 1 not found"
    );
}

#[tokio::test]
async fn a_seed_brings_a_node_back_that_starts_again_and_a_cleared_one_does_not() {
    let field = Field::new();
    let mut nodes = field.start_many(0..2).await;
    let before = form(&nodes).await;
    nodes.pop().unwrap().stop().await;
    one_cluster(&nodes, 1).await;
    nodes.push(field.start(1).await);
    assert_ne!(one_cluster(&nodes, 2).await, before);

    let returning = nodes.pop().unwrap();
    assert_eq!(ask(&nodes[0], &clear_command(&returning)).await, "ok");
    returning.stop().await;
    one_cluster(&nodes, 1).await;
    nodes.push(field.start(1).await);
    one_cluster(&nodes[1..], 1).await;
    // Several rounds, in each of which a seed would have been called.
    let started = Instant::now();
    let look = async || (standings(&nodes).await, started.elapsed());
    let (last, _) = wait_for("time", PATIENCE, look, |(all, passed)| {
        all.iter().any(|(size, _)| *size != 1) || *passed > Duration::from_secs(3)
    })
    .await
    .unwrap();
    assert!(last.iter().all(|(size, _)| *size == 1), "{last:?}");
}

/// On a busy machine a whole process stood still for longer than a node may be
/// silent, and every node took the others for dead.
#[tokio::test]
async fn a_process_that_stands_still_takes_nobody_for_dead() {
    let field = Field::new();
    let nodes = field.start_many_quick(0..3).await;
    let before = form(&nodes).await;
    for _ in 0..3 {
        std::thread::sleep(field.options(0).dead_after() + Duration::from_millis(200));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(one_cluster(&nodes, 3).await, before);
}

#[tokio::test]
async fn a_node_cut_off_stands_alone_and_comes_back_healed() {
    let field = Field::new();
    let nodes = field.start_many(0..3).await;
    form(&nodes).await;
    nodes[0].misbehave(Misbehaviour::Isolated);
    one_cluster(&nodes[1..], 2).await;
    one_cluster(&nodes[..1], 1).await;
    let apart = standings(&nodes).await;
    assert_ne!(apart[0].1, apart[1].1);
    nodes[0].misbehave(Misbehaviour::None);
    one_cluster(&nodes, 3).await;
}

#[tokio::test]
async fn a_name_is_as_good_as_an_address() {
    let field = Field::new();
    let mut options = field.options(0);
    options.bind_any = true;
    // It listens on every address of the host, so its ports are those that no other block has, below those that are given away.
    let IpAddr::V4(own) = options.address else {
        panic!("{}", options.address);
    };
    let first = 20_000 + 4 * u16::from(own.octets()[1]);
    [
        options.service_port,
        options.fabric_port,
        options.heartbeat_port,
    ] = [first, first + 1, first + 2];
    let nodes = [SimNode::start(options).await.unwrap(), field.start(1).await];
    let named = format!("tip:host=localhost;port={}", first + 2);
    assert_eq!(ask(&nodes[1], &named).await, "ok");
    one_cluster(&nodes, 2).await;
}

#[tokio::test]
async fn community_takes_eight_and_leaves_the_ninth_out() {
    let field = Field::new();
    let nodes = field.start_many(0..9).await;
    // The ninth has the highest id, so that it would be the principal of all.
    let (eight, ninth) = nodes.split_at(8);
    let key = form(eight).await;
    one_cluster(ninth, 1).await;
    tip(&eight[0], &ninth[0]).await;
    tip(&ninth[0], &eight[3]).await;
    let started = Instant::now();
    let look = async || (standings(&nodes).await, started.elapsed());
    let (all, _) = wait_for("time", PATIENCE, look, |(_, passed)| {
        *passed > Duration::from_secs(3)
    })
    .await
    .unwrap();
    assert!(
        all[..8].iter().all(|(size, now)| (*size, now) == (8, &key)),
        "{all:?}"
    );
    assert_eq!(all[8].0, 1);
}
