//! How long things take, told and never judged: by hand,
//! `MESHWORKER_MEASURE=1 cargo test -p meshworker-engines measure -- --nocapture`.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use meshworker_conformance::{Driver, World};
use meshworker_engines::Engine;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use crate::load::{Load, keys};
use crate::servers::{PORT, Servers};
use crate::worker::Worker;
use meshworker_core::Place;

/// Strings of a kilobyte.
const STRINGS: usize = 200_000;

/// One large one, in bytes.
const LARGE: usize = 50_000_000;

/// So many are written at once.
const AT_ONCE: usize = 1000;

fn wanted() -> bool {
    let wanted = std::env::var_os("MESHWORKER_MEASURE").is_some();
    if !wanted {
        eprintln!("skipped: MESHWORKER_MEASURE is not set");
    }
    wanted
}

/// The slot of a key without braces: CRC16 as in XMODEM.
fn slot(key: &str) -> u16 {
    let crc = key.bytes().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            (crc << 1) ^ if crc & 0x8000 == 0 { 0 } else { 0x1021 }
        })
    });
    crc % 16384
}

/// Writes all strings, each to the master of its slot.
async fn fill(servers: &Servers, nodes: &[Place]) {
    let mut owners = BTreeMap::new();
    for node in nodes {
        let view = servers.engine().observe(*node).await.unwrap();
        let mut table = view.detail.table.iter();
        let own = table.find(|entry| entry.node == view.node).unwrap();
        owners.extend(own.slots.iter().map(|slot| (slot, *node)));
    }
    let mut keys: BTreeMap<Place, Vec<String>> = BTreeMap::new();
    for key in (0..STRINGS).map(|n| format!("string:{n}")) {
        keys.entry(owners[&slot(&key)]).or_default().push(key);
    }
    let value = "v".repeat(1000);
    for (node, keys) in keys {
        let mut stream = TcpStream::connect(node.socket(PORT)).await.unwrap();
        for part in keys.chunks(AT_ONCE) {
            let set = |key: &String| {
                let size = key.len();
                format!("*3\r\n$3\r\nSET\r\n${size}\r\n{key}\r\n$1000\r\n{value}\r\n")
            };
            let sets: String = part.iter().map(set).collect();
            stream.write_all(sets.as_bytes()).await.unwrap();
            let mut said = vec![0; 5 * part.len()];
            stream.read_exact(&mut said).await.unwrap();
            assert_eq!(
                String::from_utf8(said).unwrap(),
                "+OK\r\n".repeat(part.len())
            );
        }
    }
    let mut client = servers.client(nodes[0]);
    client
        .call(&["SET", "large", &"x7".repeat(LARGE / 2)])
        .await;
}

/// Passes until the members are one cluster at rest.
async fn settled(servers: &Servers, worker: &mut Worker) -> Duration {
    let begin = Instant::now();
    loop {
        let (plan, _) = worker.pass().await;
        if plan.unity.is_one() && plan.settled && plan.steps.is_empty() {
            return begin.elapsed();
        }
        let patience = 10 * servers.patience();
        assert!(begin.elapsed() < patience, "{plan:#?}\n{}", worker.story);
        sleep(Duration::from_millis(50)).await;
    }
}

/// Passes until this member may go.
async fn left(servers: &Servers, worker: &mut Worker, goes: Place) -> Duration {
    worker.leaving.insert(goes);
    let begin = Instant::now();
    loop {
        let (plan, granted) = worker.pass().await;
        if granted.contains(&goes) {
            return begin.elapsed();
        }
        let patience = 10 * servers.patience();
        assert!(begin.elapsed() < patience, "{plan:#?}\n{}", worker.story);
        sleep(Duration::from_millis(50)).await;
    }
}

/// What `redis-cli --cluster` took for this, or what it says when it fails.
async fn redis_cli(words: Vec<String>) -> Result<Duration, String> {
    let begin = Instant::now();
    let asked = tokio::task::spawn_blocking(move || {
        Command::new("redis-cli")
            .arg("--cluster")
            .args(words)
            .output()
    });
    let said = asked.await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    if said.status.success() {
        Ok(begin.elapsed())
    } else {
        Err(text)
    }
}

#[tokio::test]
async fn three_masters_four_and_back_beside_redis_cli() {
    let (true, Some(mut servers)) = (wanted(), Servers::with_replicas(0)) else {
        return;
    };
    let mut nodes = servers.start(3).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;
    let begin = Instant::now();
    fill(&servers, &nodes).await;
    eprintln!("filled in {:?}", begin.elapsed());
    servers.access.deadline = Duration::from_secs(1);

    let fourth = servers.start_one(None).await;
    nodes.push(fourth);
    let mut worker = Worker::new(servers.engine(), &nodes);
    let load = Load::begin(&nodes[..3], keys(200)).await;
    eprintln!("3 => 4, worker: {:?}", settled(&servers, &mut worker).await);
    load.end().await;
    let load = Load::begin(&nodes[..3], keys(200)).await;
    eprintln!(
        "4 => 3, worker: {:?}",
        left(&servers, &mut worker, fourth).await
    );
    load.end().await;
    let failed = worker
        .story
        .lines()
        .filter(|line| line.contains("=>  refused") || line.contains("no usable"))
        .count();
    eprintln!("failed requests: {failed}");
    servers.kill(fourth).await;
    worker.listed.retain(|node| *node != fourth);
    worker.leaving.clear();
    settled(&servers, &mut worker).await;

    let fourth = servers.start_one(None).await;
    let at = |node: Place| format!("{node}:{PORT}");
    let load = Load::begin(&nodes[..3], keys(200)).await;
    let words = ["add-node".into(), at(fourth), at(nodes[0])];
    let mut took = redis_cli(words.into()).await.unwrap();
    // All must know it, and it must serve, before it is given anything.
    let known = Instant::now();
    let mut client = servers.client(fourth);
    while !(client.tell(fourth, &["CLUSTER", "INFO"]).await).contains("cluster_state:ok")
        || redis_cli(vec!["check".into(), at(nodes[0])]).await.is_err()
    {
        assert!(known.elapsed() < servers.patience(), "not known");
        sleep(Duration::from_millis(50)).await;
    }
    let words = [
        "rebalance".into(),
        at(nodes[0]),
        "--cluster-use-empty-masters".into(),
    ];
    took += redis_cli(words.into()).await.unwrap();
    eprintln!("3 => 4, redis-cli: {took:?}");
    load.end().await;
    let id = client.tell(fourth, &["CLUSTER", "MYID"]).await;
    let load = Load::begin(&nodes[..3], keys(200)).await;
    let words = [
        "rebalance".into(),
        at(nodes[0]),
        "--cluster-weight".into(),
        format!("{id}=0"),
    ];
    eprintln!("4 => 3, redis-cli: {:?}", redis_cli(words.into()).await);
    load.end().await;
}

#[tokio::test]
async fn three_and_six_and_eight() {
    let (true, Some(mut servers)) = (wanted(), Servers::plain()) else {
        return;
    };
    let mut nodes = servers.start(3).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;
    servers.access.deadline = Duration::from_secs(1);
    servers.client(nodes[0]).fill("key", 20_000).await;
    let mut worker = Worker::new(servers.engine(), &nodes);
    for (name, more) in [("3 => 6", 3), ("6 => 8", 2)] {
        nodes.extend(servers.start(more).await);
        worker.listed = nodes.clone();
        let before = worker.story.len();
        let took = settled(&servers, &mut worker).await;
        let story = &worker.story[before..];
        let failed = |line: &&str| line.contains("=>  refused") || line.contains("no usable");
        let failed = story.lines().filter(failed).count();
        eprintln!("{name}: {took:?}, failed requests: {failed}");
    }
    while nodes.len() > 3 {
        let last = nodes.pop().unwrap();
        let took = left(&servers, &mut worker, last).await;
        eprintln!(
            "{} => {}: may go after {took:?}",
            nodes.len() + 1,
            nodes.len()
        );
        servers.kill(last).await;
        worker.listed = nodes.clone();
        worker.leaving.clear();
        settled(&servers, &mut worker).await;
    }
    assert_eq!(servers.client(nodes[0]).missing("key", 20_000).await, 0);
}
