//! From separate nodes to one cluster.

use aerospike_sim::testing::wait_for;
use aerospike_sim::{Edition, NodeOptions, SimNode, info};
use meshworker_core::{Pace, Place, Reason, Unity};
use meshworker_engines::Engine;
use meshworker_engines::aerospike::Aerospike;

use crate::worker::{PATIENCE, Pass, SOON, Worker, access, addresses, performed, quick, start};

#[tokio::test]
async fn three_nodes_become_one_cluster_by_two_tips() {
    let (_block, at) = addresses(3);
    let nodes = start(&at).await;
    let mut worker = Worker::new(&at, PATIENCE);
    let passes = worker.until_one_of(3).await;
    assert_eq!(performed(&passes, "tip:"), 2, "{passes:#?}");

    // An idle pass costs one round trip per node, over the connection that is
    // open already, and changes nothing.
    nodes.values().for_each(SimNode::reset_counts);
    let pass = worker.pass().await;
    assert_eq!((pass.plan.steps.len(), pass.plan.pace), (0, Pace::Calm));
    for node in nodes.values() {
        let counts = node.counts();
        assert_eq!((counts.round_trips, counts.connections), (1, 0));
        assert_eq!(counts.of("tip"), 0);
    }
}

/// Each look asked 8.1 for two things that it counts, and its log was full of it;
/// a tip that is made again is answered as an error by both.
#[tokio::test]
async fn each_version_is_asked_what_it_prefers_and_a_tip_made_twice_is_no_failure() {
    let (_block, at) = addresses(2);
    let mut nodes = start(&at[..1]).await;
    let newer = NodeOptions {
        build: "8.1.2.0".into(),
        ..quick(at[1])
    };
    nodes.insert(at[1], SimNode::start(newer).await.unwrap());
    let mut worker = Worker::new(&at, PATIENCE);
    let passes = worker.until_one_of(2).await;
    let tips = passes.iter().flat_map(|pass| &pass.plan.steps);
    let tip = tips.last().expect("a tip").clone();
    let again = Aerospike::new(access(PATIENCE)).perform(&tip).await;
    assert_eq!(again, Ok("it has that seed already".into()));
    nodes.values().for_each(SimNode::reset_counts);
    for _ in 0..20 {
        worker.pass().await;
    }
    let counts = nodes[&at[1]].counts();
    assert_eq!((counts.deprecated, counts.of("edition")), (0, 0));
    assert_eq!(nodes[&at[0]].counts().of("release"), 0);
    assert_eq!(nodes[&at[0]].counts().round_trips, 20);
}

/// At rest a node is asked for the lists of the others only now and then, and when
/// it says that something has changed.
#[tokio::test]
async fn at_rest_the_lists_are_read_now_and_then_and_when_they_change() {
    let (_block, at) = addresses(4);
    let mut nodes = start(&at[..3]).await;
    let mut worker = Worker::new(&at[..3], PATIENCE);
    worker.until_one_of(3).await;
    let rest = |pass: &Pass| pass.answers.values().flatten().all(|v| v.working.is_none());
    worker.until("rest", rest).await;
    nodes.values().for_each(SimNode::reset_counts);
    for _ in 0..32 {
        assert!(worker.pass().await.is_one_of(3));
    }
    for node in nodes.values() {
        let counts = node.counts();
        assert_eq!(counts.round_trips, 32);
        assert_eq!(counts.of("peers-clear-std"), 2, "{counts:?}");
    }
    // A newcomer, and a loss, are seen in the very next look.
    nodes.extend(start(&at[3..]).await);
    worker.dns.push(at[3]);
    worker.until_one_of(4).await;
    worker.until("rest", rest).await;
    nodes.remove(&at[3]).unwrap().stop().await;
    worker.dns.pop();
    let remembers = |pass: &Pass| {
        let mut views = pass.answers.values().flatten();
        views.any(|view| *view.detail.departed == [at[3]])
    };
    worker.until("the loss", remembers).await;
    worker.until_one_of(3).await;
}

#[tokio::test]
async fn fragments_that_have_formed_are_joined_by_one_tip_each() {
    let (_block, at) = addresses(6);
    let _nodes = start(&at).await;
    for pair in at.chunks(2) {
        Worker::new(pair, PATIENCE).until_one_of(2).await;
    }
    let passes = Worker::new(&at, PATIENCE).until_one_of(6).await;
    assert_eq!(performed(&passes, "tip:"), 2, "{passes:#?}");
}

/// The old script's tips were lost when the database started after them.
#[tokio::test]
async fn a_node_that_starts_late_is_joined_and_delays_nobody() {
    let (_block, at) = addresses(3);
    let mut nodes = start(&at[..2]).await;
    let mut worker = Worker::new(&at, PATIENCE);
    worker
        .until("the two that are there", |pass| {
            let mut views = pass.answers.values().flatten();
            views.any(|view| view.size == 2)
        })
        .await;
    nodes.insert(at[2], SimNode::start(quick(at[2])).await.unwrap());
    worker.until_one_of(3).await;
}

/// Whatever the worker knew is lost at every pass.
#[tokio::test]
async fn a_worker_that_restarts_all_the_time_forms_the_cluster_too() {
    let (_block, at) = addresses(4);
    let _nodes = start(&at).await;
    let pass = async || Worker::new(&at, PATIENCE).pass().await;
    let is_one = |pass: &Pass| pass.is_one_of(4);
    wait_for("one cluster", PATIENCE, pass, is_one)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_node_of_another_name_is_never_tipped_nor_tipped_about() {
    let (_block, at) = addresses(3);
    let mut nodes = start(&at[..2]).await;
    let other = NodeOptions {
        cluster_name: "other".into(),
        ..quick(at[2])
    };
    nodes.insert(at[2], SimNode::start(other).await.unwrap());
    let mut worker = Worker::new(&at, PATIENCE);
    let passes = worker
        .until("the two of the same name", |pass| {
            let mut views = pass.answers.values().flatten();
            views.any(|view| view.size == 2)
        })
        .await;
    let refusals = &passes.last().unwrap().plan.refusals;
    assert!(
        refusals.iter().any(|refusal| refusal.reason
            == Reason::WrongCluster {
                expected: "mesh-it".into(),
                found: "other".into()
            }),
        "{refusals:#?}"
    );
    assert_eq!(nodes[&at[2]].counts().of("tip"), 0);
    assert!(nodes.values().all(|node| node.counts().name_warnings == 0));
}

#[tokio::test]
async fn with_a_configured_name_the_others_are_the_strangers() {
    let (_block, at) = addresses(3);
    let nodes = start(&at).await;
    let mut access = access(PATIENCE);
    access.cluster_name = Some("orders".into());
    let pass = Worker::with(access, &at).pass().await;
    assert_eq!(pass.plan.refusals.len(), 3);
    assert!(nodes.values().all(|node| node.counts().of("tip") == 0));
}

#[tokio::test]
async fn the_ninth_node_of_community_edition_is_refused() {
    let (_block, at) = addresses(9);
    let _nodes = start(&at).await;
    let mut worker = Worker::new(&at, PATIENCE);
    let passes = worker
        .until("a cluster of 8", |pass| {
            let views = pass.answers.values().flatten();
            views.filter(|view| view.size == 8).count() == 8
        })
        .await;
    let last = passes.last().unwrap();
    let limit = |reason: &Reason| matches!(reason, Reason::LimitReached { limit: 8, .. });
    assert!(last.plan.refusals.iter().any(|r| limit(&r.reason)));
    assert_ne!(last.plan.unity, Unity::One { size: 8 });
    // One for each that comes in; a look into the midst of it may ask for some of them once more.
    let tips = performed(&passes, "tip:");
    assert!((7..=2 * 9).contains(&tips), "{tips} tips");
}

fn are_one_of_eight(pass: &Pass) -> bool {
    let views = pass.answers.values().flatten();
    views.filter(|view| view.size == 8).count() == 8
}

/// The ninth was up first, and was tipped; a moment later, before any list
/// showed it, the other five were tipped as well: seven became a cluster, and two
/// were in none.
#[tokio::test]
async fn three_to_nine_at_once_are_eight_and_one_left_alone() {
    let (_block, at) = addresses(9);
    let mut nodes = start(&at[..3]).await;
    let mut worker = Worker::new(&at[..3], PATIENCE);
    worker.until_one_of(3).await;
    nodes.extend(start(&at[8..]).await);
    worker.dns.push(at[8]);
    let tipped = |pass: &Pass| pass.done.iter().any(|done| done.reply.is_ok());
    worker.until("the ninth is tipped", tipped).await;
    nodes.extend(start(&at[3..8]).await);
    worker.dns = at.clone();
    let passes = worker.until("a cluster of 8", are_one_of_eight).await;
    let refusals = &passes.last().unwrap().plan.refusals;
    assert!(
        refusals.iter().any(|r| r.what == format!("join {}", at[7])),
        "{refusals:#?}"
    );
}

/// Somebody has tipped all nine together.
#[tokio::test]
async fn a_mesh_of_nine_that_is_broken_becomes_eight_and_one() {
    let (_block, at) = addresses(9);
    let nodes = start(&at).await;
    for (one, other) in at.iter().zip(&at[1..]) {
        let tip = format!("tip:host={other};port=3002");
        info(nodes[one].service(), &tip).await.unwrap();
    }
    let broken = async || {
        let clusters = nodes.values().map(SimNode::cluster);
        let mut sizes: Vec<usize> = clusters.map(|c| c.map_or(0, |c| c.size())).collect();
        sizes.sort_unstable();
        sizes
    };
    let is_broken = |sizes: &Vec<usize>| sizes[..2] == [0, 0] && (2..8).contains(&sizes[8]);
    wait_for(
        "less than eight, and two in none",
        PATIENCE,
        broken,
        is_broken,
    )
    .await
    .unwrap();
    let mut worker = Worker::new(&at, PATIENCE);
    worker.until("a cluster of 8", are_one_of_eight).await;

    // One of them leaves, and there is room for the one that stood aside.
    let out = |pass: &Pass| {
        let mut refused = pass.plan.refusals.iter();
        refused.find_map(|r| r.what.strip_prefix("join ")?.parse().ok())
    };
    let last = worker.pass().await;
    let out: Place = out(&last).expect("somebody is refused");
    let goes = *at.iter().find(|address| **address != out).unwrap();
    let mut nodes = nodes;
    nodes.remove(&goes).unwrap().stop().await;
    worker.dns.retain(|address| *address != goes);
    worker.limits.retry_first = SOON;
    worker.until_one_of(8).await;
}

#[tokio::test]
async fn enterprise_edition_takes_more() {
    let (_block, at) = addresses(9);
    let mut nodes = Vec::new();
    for address in &at {
        let options = NodeOptions {
            edition: Edition::Enterprise,
            ..quick(*address)
        };
        nodes.push(SimNode::start(options).await.unwrap());
    }
    Worker::new(&at, PATIENCE).until_one_of(9).await;
}

#[tokio::test]
async fn a_user_who_cannot_be_logged_in_is_not_ignored() {
    let (_block, at) = addresses(1);
    let nodes = start(&at).await;
    let mut access = access(PATIENCE);
    access.user = Some("admin".into());
    let pass = Worker::with(access, &at).pass().await;
    assert!(matches!(
        pass.answers[&at[0]],
        Err(meshworker_core::Unanswered::Denied(_))
    ));
    assert_eq!(nodes[&at[0]].counts().connections, 0);
}

#[tokio::test]
async fn migrations_are_seen() {
    let (_block, at) = addresses(3);
    let nodes = start(&at).await;
    let mut worker = Worker::new(&at[..2], PATIENCE);
    worker.until_one_of(2).await;
    let written = info(
        nodes[&at[0]].service(),
        "sim-put-many:ns=test;prefix=k;from=1;to=2000",
    );
    let written = written.await.unwrap();
    assert!(written == "written=2000;failed=0", "{written}");
    nodes.values().for_each(|node| node.set_migrate_rate(0));
    worker.dns.push(at[2]);
    let passes = worker
        .until("migrations", |pass| {
            pass.is_one_of(3) && pass.answers.values().flatten().any(|v| v.working.is_some())
        })
        .await;
    let views = passes.last().unwrap().answers.values().flatten();
    let working: Vec<_> = views.filter_map(|view| view.working.as_deref()).collect();
    assert!(
        working.iter().any(|what| what.contains("partitions")),
        "{working:?}"
    );
    nodes
        .values()
        .for_each(|node| node.set_migrate_rate(100_000));
    worker
        .until("rest", |pass| {
            pass.answers.values().flatten().all(|v| v.working.is_none())
        })
        .await;
}
