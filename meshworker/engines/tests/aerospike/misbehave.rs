//! Nodes that answer badly, late or not at all.

use std::time::Duration;

use aerospike_sim::{Misbehaviour, SimNode};
use meshworker_core::Unanswered;
use meshworker_engines::aerospike::Aerospike;
use meshworker_engines::{Engine, Failure};

use crate::worker::{PATIENCE, Pass, SOON, Worker, access, addresses, quick, seeds, start};

#[tokio::test]
async fn bad_answers_block_nobody() {
    let (_block, at) = addresses(8);
    let nodes = start(&at).await;
    let bad = [
        Misbehaviour::Silent,
        Misbehaviour::HalfThenStall,
        Misbehaviour::HalfThenClose,
        Misbehaviour::Garbage,
        Misbehaviour::Close,
    ];
    for (address, how) in at[3..].iter().zip(bad) {
        nodes[address].misbehave(how);
    }
    let mut worker = Worker::new(&at, Duration::from_secs(1));
    let said = |pass: &Pass| {
        let why = |n: usize| match &pass.answers[&at[n]] {
            Err(Unanswered::Garbage(what)) if what.contains("half") => "half an answer",
            Err(Unanswered::Garbage(_)) => "garbage",
            Err(Unanswered::Timeout) => "nothing in time",
            Err(Unanswered::Unreachable(_)) => "nobody",
            Err(_) => "something else",
            Ok(_) => "an answer",
        };
        [3, 4, 5, 6, 7].map(why)
    };
    let expected = [
        "nothing in time",
        "nothing in time",
        "half an answer",
        "garbage",
        "nobody",
    ];
    worker
        .until("one of the three that behave", |pass| {
            let views = pass.answers.values().flatten();
            views.filter(|view| view.size == 3).count() == 3 && said(pass) == expected
        })
        .await;

    // They come to their senses, and are joined.
    nodes
        .values()
        .for_each(|node| node.misbehave(Misbehaviour::None));
    worker.until_one_of(8).await;
}

#[tokio::test]
async fn a_slow_answer_is_an_answer() {
    let (_block, at) = addresses(2);
    let nodes = start(&at).await;
    nodes[&at[1]].misbehave(Misbehaviour::Slow(Duration::from_millis(200)));
    Worker::new(&at, PATIENCE).until_one_of(2).await;
}

#[tokio::test]
async fn refused_tips_are_named_and_repeated_until_they_are_accepted() {
    let (_block, at) = addresses(2);
    let nodes = start(&at).await;
    nodes[&at[1]].misbehave(Misbehaviour::RefuseTips);
    let mut worker = Worker::new(&at, PATIENCE);
    worker.limits.retry_first = SOON;
    let refused = |pass: &Pass| {
        let refusal = Failure::Refused("tip refused".into());
        pass.done
            .iter()
            .any(|done| done.reply == Err(refusal.clone()))
    };
    worker.until("a refusal", refused).await;
    worker.until("the same after a while", refused).await;
    nodes[&at[1]].misbehave(Misbehaviour::None);
    worker.until_one_of(2).await;
}

/// `ok` proves nothing.
#[tokio::test]
async fn a_tip_without_effect_is_repeated() {
    let (_block, at) = addresses(2);
    let nodes = start(&at).await;
    nodes[&at[1]].misbehave(Misbehaviour::IgnoreTips);
    let mut worker = Worker::new(&at, PATIENCE);
    worker.limits.retry_first = SOON;
    for _ in 0..2 {
        worker
            .until("ok", |pass| pass.done.iter().any(|done| done.reply.is_ok()))
            .await;
    }
    nodes[&at[1]].misbehave(Misbehaviour::None);
    worker.until_one_of(2).await;
}

/// A container is replaced by another at the same address while a connection to
/// the first one is kept.
#[tokio::test]
async fn a_replaced_node_is_seen_at_once() {
    let (_block, at) = addresses(2);
    let mut nodes = start(&at).await;
    let mut worker = Worker::new(&at, PATIENCE);
    worker.until_one_of(2).await;
    nodes.remove(&at[1]).unwrap().stop().await;
    let mut other = quick(at[1]);
    other.cluster_name = "other".into();
    nodes.insert(at[1], SimNode::start(other).await.unwrap());
    let pass = worker.pass().await;
    let view = pass.answers[&at[1]].as_ref().unwrap();
    assert_eq!(view.cluster_name.as_deref(), Some("other"));
}

/// Between the look and the tip, a container is replaced by one of another
/// cluster, at the side that is told or at the one that it is told about.
#[tokio::test]
async fn a_node_that_was_replaced_after_the_look_was_tipped() {
    for replaced in 0..2 {
        let (_block, at) = addresses(2);
        let mut nodes = start(&at).await;
        nodes[&at[1]].misbehave(Misbehaviour::RefuseTips);
        let mut worker = Worker::new(&at, PATIENCE);
        let planned = |pass: &Pass| !pass.plan.steps.is_empty();
        let passes = worker.until("a tip", planned).await;
        let tip = passes.last().unwrap().plan.steps[0].clone();
        assert_eq!(tip.to, at[1]);

        nodes.remove(&at[replaced]).unwrap().stop().await;
        let mut other = quick(at[replaced]);
        other.cluster_name = "other".into();
        nodes.insert(at[replaced], SimNode::start(other).await.unwrap());
        nodes[&at[1]].misbehave(Misbehaviour::None);
        let engine = Aerospike::new(access(PATIENCE));
        let reply = engine.perform(&tip).await;
        let said = format!("{reply:?}");
        assert!(
            matches!(reply, Err(Failure::Refused(why)) if why.contains("lives")),
            "{said}"
        );
        assert_eq!(seeds(&nodes[&at[1]]).await, "");
    }
}

/// The vendor's own fabric section, on hosts whose bridges have the same addresses.
#[tokio::test]
async fn members_with_a_shared_fabric_address_were_tipped_for_ever_without_a_word() {
    let (_block, at) = addresses(3);
    let nodes = start(&at).await;
    for node in nodes.values() {
        node.misbehave(Misbehaviour::SharedFabric);
    }
    let mut worker = Worker::new(&at, PATIENCE);
    let told = |pass: &Pass| {
        let mut refusals = pass.plan.refusals.iter();
        refusals.any(|refusal| {
            let why = refusal.reason.to_string();
            why.contains("network { fabric { address eth0, port 3001 } }")
        })
    };
    worker.until("what to write", told).await;
    for node in nodes.values() {
        node.misbehave(Misbehaviour::None);
    }
    let passes = worker.until_one_of(3).await;
    assert!(!told(passes.last().expect("a pass")));
}
