//! A node that misbehaves on demand, and behaves again when told so.

use std::time::Duration;

use aerospike_sim::testing::wait_for;
use aerospike_sim::{ClientError, InfoClient, Misbehaviour, NodeOptions, SimNode, info};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::common::{Field, PATIENCE, ask, form, item, one_cluster, tip_command};

/// For so long nothing must come.
const A_WHILE: Duration = Duration::from_millis(300);

async fn misbehave(node: &SimNode, mode: &str) {
    assert_eq!(ask(node, &format!("sim-misbehave:mode={mode}")).await, "ok");
}

/// What follows a reply.
#[derive(Clone, Copy)]
enum Then {
    Silence,
    End,
}

/// This is what comes back for a `build` request, and no more.
async fn build_brings(node: &SimNode, reply: &[u8], then: Then) {
    let mut stream = TcpStream::connect(node.service()).await.unwrap();
    stream
        .write_all(b"\x02\x01\0\0\0\0\0\x06build\n")
        .await
        .unwrap();
    let mut came = vec![0; reply.len()];
    let whole = timeout(PATIENCE, stream.read_exact(&mut came)).await;
    whole.expect("no reply").unwrap();
    assert_eq!(came, reply);
    match then {
        Then::Silence => {
            let more = timeout(A_WHILE, stream.read_u8()).await;
            assert!(more.is_err(), "{more:?}");
        }
        Then::End => {
            let end = timeout(PATIENCE, stream.read(&mut [0])).await;
            assert_eq!(end.expect("it stays open").unwrap(), 0);
        }
    }
}

#[tokio::test]
async fn every_bad_answer_is_as_bad_as_asked_for() {
    let field = Field::new();
    let node = field.start(0).await;
    let whole = b"\x02\x01\0\0\0\0\0\x0fbuild\t8.0.0.15\n";
    build_brings(&node, whole, Then::Silence).await;
    misbehave(&node, "silent").await;
    build_brings(&node, b"", Then::Silence).await;
    misbehave(&node, "close").await;
    build_brings(&node, b"", Then::End).await;
    misbehave(&node, "half-stall").await;
    build_brings(&node, &whole[..11], Then::Silence).await;
    misbehave(&node, "half-close").await;
    build_brings(&node, &whole[..11], Then::End).await;
    misbehave(&node, "garbage").await;
    let garbage = info(node.service(), "build").await;
    assert!(matches!(garbage, Err(ClientError::Codec(_))), "{garbage:?}");
    misbehave(&node, "none").await;
    build_brings(&node, whole, Then::Silence).await;
    assert_eq!(node.counts().of("build"), 7, "counted, answered or not");
    assert!(
        ask(&node, "sim-misbehave:mode=rude")
            .await
            .starts_with("ERROR:4:misbehaviour 'rude': expected")
    );
    assert_eq!(ask(&node, "sim-misbehave:").await, "ERROR:4:missing 'mode'");
}

#[tokio::test]
async fn slow_answers_are_right() {
    let field = Field::new();
    let node = field.start(0).await;
    misbehave(&node, "slow=400").await;
    let asked = Instant::now();
    assert_eq!(ask(&node, "status").await, "ok");
    assert!(asked.elapsed() >= Duration::from_millis(400));
}

#[tokio::test]
async fn a_late_port_refuses_and_then_opens_by_itself() {
    let field = Field::new();
    let late = Duration::from_millis(800);
    let started = Instant::now();
    let node = SimNode::start(NodeOptions {
        misbehaviour: Misbehaviour::Late(late),
        ..field.options(0)
    })
    .await
    .unwrap();
    let early = info(node.service(), "status").await;
    assert!(
        matches!(early, Err(ClientError::Connect(_))) || started.elapsed() >= late,
        "{early:?}"
    );
    let open = async || info(node.service(), "status").await.is_ok();
    wait_for("the port opens", PATIENCE, open, |open| *open)
        .await
        .unwrap();
    assert!(started.elapsed() >= late);

    let mut client = InfoClient::connect(node.service()).await.unwrap();
    assert_eq!(client.ask(&["sim-requests-reset"]).await.unwrap(), ["ok"]);
    let shut = async || {
        node.misbehave(Misbehaviour::Late(late));
        info(node.service(), "status").await.is_err()
    };
    wait_for("the port shuts", PATIENCE, shut, |shut| *shut)
        .await
        .unwrap();
    wait_for("the port opens again", PATIENCE, open, |open| *open)
        .await
        .unwrap();
}

#[tokio::test]
async fn tips_are_refused_or_ignored() {
    let field = Field::new();
    let nodes = field.start_many(0..2).await;
    let tip = tip_command(&nodes[1]);
    misbehave(&nodes[0], "refuse-tips").await;
    assert_eq!(ask(&nodes[0], &tip).await, "ERROR::tip refused");
    misbehave(&nodes[0], "ignore-tips").await;
    assert_eq!(ask(&nodes[0], &tip).await, "ok");
    assert_eq!(ask(&nodes[0], "sim-seeds").await, "", "nothing was noted");
    misbehave(&nodes[0], "none").await;
    assert_eq!(ask(&nodes[0], &tip).await, "ok");
    assert_eq!(
        ask(&nodes[0], "sim-seeds").await,
        nodes[1].heartbeat().to_string()
    );
    one_cluster(&nodes, 2).await;
}

#[tokio::test]
async fn a_wrong_name_is_wrong_everywhere() {
    let field = Field::new();
    let nodes = field.start_many(0..2).await;
    form(&nodes).await;
    misbehave(&nodes[1], "wrong-name=other").await;
    assert_eq!(ask(&nodes[1], "cluster-name").await, "other");
    one_cluster(&nodes[..1], 1).await;
    one_cluster(&nodes[1..], 1).await;
    misbehave(&nodes[1], "none").await;
    one_cluster(&nodes, 2).await;
}

#[tokio::test]
async fn counters_are_read_over_the_wire() {
    let field = Field::new();
    let node = field.start(0).await;
    ask(&node, "statistics").await;
    ask(&node, "tip:bogus").await;
    let requests = ask(&node, "sim-requests").await;
    assert_eq!(
        (item(&requests, "statistics"), item(&requests, "tip")),
        ("1", "1")
    );
    assert_eq!(item(&requests, "(connections)"), "3");
    ask(&node, "sim-requests-reset").await;
    assert!(!ask(&node, "sim-requests").await.contains("statistics"));
}

/// As recorded of 8.1: `cluster_size=0` and `cluster_key=0` on both, for as long as they hear each other.
#[tokio::test]
async fn nodes_that_share_a_fabric_address_are_in_no_cluster() {
    let field = Field::new();
    let nodes = field.start_many_quick(0..2).await;
    // Alone each is a cluster of one; told about each other, neither is in any.
    for (size, alone) in [("1", true), ("0", false)] {
        for node in &nodes {
            misbehave(node, "shared-fabric").await;
            let statistics = async || ask(node, "statistics").await;
            let is = |said: &String| item(said, "cluster_size") == size;
            let said = wait_for(size, PATIENCE, statistics, is).await.unwrap();
            assert_eq!(item(&said, "cluster_key") == "0", !alone, "{said}");
        }
        if alone {
            ask(&nodes[0], &tip_command(&nodes[1])).await;
        }
    }
    for node in &nodes {
        misbehave(node, "none").await;
    }
    one_cluster(&nodes, 2).await;
}
