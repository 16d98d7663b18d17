//! The recorded replies, over the wire.

use aerospike_sim::testing::wait_for;
use aerospike_sim::{Edition, InfoClient, NodeOptions, SimNode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::common::{Field, PATIENCE, ask, form, item, one_cluster, settled, standings};

#[tokio::test]
async fn a_node_alone_answers_as_recorded() {
    let field = Field::new();
    let node = field.start(4).await;
    let own = node.service().ip();
    let mut client = InfoClient::connect(node.service()).await.unwrap();

    let early = client.ask(&["statistics"]).await.unwrap().swap_remove(0);
    assert!(early.contains(";cluster_size=0;cluster_key=0;"), "{early}");

    // No name server is asked for a name that cannot be one.
    let nobody = "x".repeat(64);
    let tip_nobody = format!("tip:host={nobody};port=3002");
    let clear_nobody = format!("tip-clear:host-port-list={nobody}:3002");
    let table = [
        ("build", "8.0.0.15".to_owned()),
        ("edition", "Aerospike Community Edition".to_owned()),
        ("node", node.id().to_string()),
        ("status", "ok".to_owned()),
        ("cluster-name", "mesh-it".to_owned()),
        ("service-clear-std", format!("{own}:3000")),
        ("peers-clear-std", "0,3000,[]".to_owned()),
        ("services-alumni", String::new()),
        ("alumni-clear-std", "0,3000,[]".to_owned()),
        ("peers-generation", "0".to_owned()),
        ("release", "ERROR:4:unrecognized command".to_owned()),
        ("mesh", format!("{own}:3002")),
        ("namespaces", "test".to_owned()),
        ("tip:bogus", "ERROR:4:missing 'host'".to_owned()),
        ("tip", "ERROR:4:missing 'host'".to_owned()),
        ("tip:host=10.0.1.6", "ERROR:4:missing 'port'".to_owned()),
        (
            "tip:host=10.0.1.6;port=notaport",
            "ERROR:4:'port' must be an integer".to_owned(),
        ),
        (&tip_nobody, "ok".to_owned()),
        // The same again, on a name of its own.
        (&tip_nobody, "ERROR::unknown".to_owned()),
        (&clear_nobody, "ok".to_owned()),
        (
            "tip-clear:host-port-list=127.0.0.250:3002",
            "ERROR::0 cleared, 1 not found".to_owned(),
        ),
        (
            "tip-clear:host-port-list=127.0.0.250;3002",
            "ERROR::0 cleared, 0 not found".to_owned(),
        ),
        ("services-alumni-reset", "ok".to_owned()),
        ("recluster:", "ok".to_owned()),
        ("quiesce:", "ERROR:25:enterprise only".to_owned()),
        ("quiesce-undo:", "ERROR:25:enterprise only".to_owned()),
        ("whatever", "ERROR:4:unrecognized command".to_owned()),
        ("namespace/none", "ERROR:20:unknown namespace".to_owned()),
    ];
    for (command, value) in table {
        assert_eq!(client.ask(&[command]).await.unwrap(), [value], "{command}");
    }
    let itself = format!("tip:host={own};port=3002");
    assert_eq!(client.ask(&[&itself]).await.unwrap(), ["ok"]);

    let key = one_cluster(std::slice::from_ref(&node), 1).await;
    let stable = ["cluster-stable:size=1;ignore-migrations=false"];
    assert_eq!(client.ask(&stable).await.unwrap(), [key]);
    let too_large = ["cluster-stable:size=3;ignore-migrations=true"];
    assert_eq!(
        client.ask(&too_large).await.unwrap(),
        ["ERROR:7:cluster not specified size"]
    );
}

#[tokio::test]
async fn a_cluster_of_three_answers_as_recorded() {
    let field = Field::new();
    let nodes = field.start_many(0..3).await;
    let key = form(&nodes).await;
    let [one, two, three] = &nodes[..] else {
        panic!()
    };
    let (second, third) = (two.service().ip(), three.service().ip());

    let peers = ask(one, "peers-clear-std").await;
    assert_eq!(
        peers,
        format!(
            "2,3000,[[{},,[{second}]],[{},,[{third}]]]",
            two.id(),
            three.id()
        )
    );
    assert_eq!(
        ask(one, "services-alumni").await,
        format!("{second}:3000;{third}:3000")
    );
    let statistics = ask(two, "statistics").await;
    let recorded = format!(
        ";cluster_size=3;cluster_key={key};cluster_generation=1;cluster_principal={};cluster_integrity=true;\
         cluster_is_member=true;",
        three.id()
    );
    assert!(statistics.contains(&recorded), "{statistics}");
    assert!(item(&statistics, "uptime").parse::<u32>().is_ok());
    assert_eq!(key.len(), 12);
    assert_eq!(settled(&nodes).await, key);
    assert_eq!(
        ask(one, "cluster-stable:size=4;ignore-migrations=true").await,
        "ERROR:7:cluster not specified size"
    );
    assert_eq!(ask(three, "recluster:").await, "ok");
    assert_eq!(ask(one, "recluster:").await, "ignored-by-non-principal");
    let look = async || standings(&nodes).await;
    let anew = |all: &Vec<(usize, String)>| {
        all.iter()
            .all(|(size, new)| *size == 3 && *new != key && *new == all[0].1)
    };
    wait_for("a new key", PATIENCE, look, anew).await.unwrap();
}

#[tokio::test]
async fn a_node_of_8_1_counts_what_it_would_rather_not_be_asked() {
    let field = Field::new();
    let options = NodeOptions {
        build: "8.1.2.0".to_owned(),
        ..field.options(0)
    };
    let node = SimNode::start(options).await.unwrap();
    assert_eq!(
        ask(&node, "release").await,
        "edition=Aerospike Community Edition;version=8.1.2.0;os=debian12;arch=x86_64;sha=0"
    );
    let deprecated =
        async || item(&ask(&node, "statistics").await, "deprecated_requests").to_owned();
    assert_eq!(deprecated().await, "0");
    assert_eq!(ask(&node, "edition").await, "Aerospike Community Edition");
    assert_eq!(ask(&node, "services-alumni").await, "");
    assert_eq!(deprecated().await, "2");
    assert_eq!(ask(&node, "connection").await, "admin=false");
    assert_eq!(ask(&node, "admin-clear-std").await, "");
}

#[tokio::test]
async fn several_commands_are_one_round_trip() {
    let field = Field::new();
    let node = field.start(0).await;
    let mut client = InfoClient::connect(node.service()).await.unwrap();
    let values = client.ask(&["build", "node", "status"]).await.unwrap();
    assert_eq!(
        values,
        [
            "8.0.0.15".to_owned(),
            node.id().to_string(),
            "ok".to_owned()
        ]
    );
    client.ask(&["namespace/test", "tip:bogus"]).await.unwrap();
    let counts = node.counts();
    assert_eq!((counts.round_trips, counts.connections), (2, 1));
    let counted = ["build", "node", "status", "namespace", "tip"].map(|command| counts.of(command));
    assert_eq!(counted, [1; 5]);
}

#[tokio::test]
async fn odd_requests_close_the_connection_and_nothing_else() {
    let field = Field::new();
    let node = field.start(0).await;
    let odd: [&[u8]; 5] = [
        b"GET / HTTP/1.1\r\n\r\n",
        &[2, 3, 0, 0, 0, 0, 0, 1, b'x'],
        &[1, 1, 0, 0, 0, 0, 0, 1, b'x'],
        &[2, 1, 255, 255, 255, 255, 255, 255],
        &[2, 1, 0],
    ];
    for bytes in odd {
        let mut stream = TcpStream::connect(node.service()).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        // A reset is as good as a close.
        let _ = stream.read_to_end(&mut answer).await;
        assert!(answer.is_empty(), "{bytes:?}");
    }
    // An empty request is a request, and bytes that are no text are an unknown command.
    let mut stream = TcpStream::connect(node.service()).await.unwrap();
    stream.write_all(&[2, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
    stream
        .write_all(&[2, 1, 0, 0, 0, 0, 0, 3, 0xFF, 0xFE, b'\n'])
        .await
        .unwrap();
    let mut answer = vec![0; 8 + 8 + 3 + 29];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(
        answer[16..],
        b"\xFF\xFE\tERROR:4:unrecognized command\n"[..]
    );
    assert_eq!(ask(&node, "status").await, "ok");
}

#[tokio::test]
async fn enterprise_can_be_quiesced() {
    let field = Field::new();
    let mut nodes = Vec::new();
    for number in 0..3 {
        let options = NodeOptions {
            edition: Edition::Enterprise,
            ..field.options(number)
        };
        nodes.push(SimNode::start(options).await.unwrap());
    }
    form(&nodes).await;
    assert_eq!(
        ask(&nodes[0], "edition").await,
        "Aerospike Enterprise Edition"
    );
    assert_eq!(
        ask(&nodes[1], "sim-put-many:ns=test;prefix=k;from=1;to=2000").await,
        "written=2000;failed=0"
    );
    assert_eq!(ask(&nodes[0], "quiesce:").await, "ok");
    let look = async || {
        ask(&nodes[2], "recluster:").await;
        ask(&nodes[0], "namespace/test").await
    };
    let is_quiesced = |namespace: &String| item(namespace, "effective_is_quiesced") == "true";
    wait_for("quiesced", PATIENCE, look, is_quiesced)
        .await
        .unwrap();
    settled(&nodes).await;
    assert_eq!(
        item(&ask(&nodes[0], "namespace/test").await, "objects"),
        "0",
        "everything has moved to the others"
    );
    assert_eq!(ask(&nodes[0], "sim-count:ns=test").await, "2000");
}
