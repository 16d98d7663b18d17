//! Members that stop in an orderly way, while somebody writes.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy knows test functions, but not their helpers"
)]

mod common;

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aerospike_sim::info;
use aerospike_sim::testing::wait_for;
use common::{Field, PATIENCE, ask, form, item, settled};
use tokio::task::JoinHandle;

const ALL: usize = 20_000;

/// A process that does not outlive its test.
struct Server {
    process: Child,
    service: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    fn start(field: &Field, number: u16) -> Server {
        let address = field.loopback.address(number);
        let process = Command::new(env!("CARGO_BIN_EXE_aerospike-sim"))
            .args(["--address", &address.to_string(), "--port-delay-ms", "0"])
            .args(["--migrate-rate", "1000"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let service = SocketAddr::new(address, 3000);
        Server { process, service }
    }

    /// Asks it to stop, as Docker does.
    fn terminate(&self) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").arg(id).status().unwrap().success());
    }

    fn ended(mut self) {
        assert_eq!(self.process.wait().unwrap().code(), Some(0));
    }
}

/// What each of these says in `statistics`: size, key, partitions to move.
async fn said(nodes: &[SocketAddr]) -> Vec<(String, String, String)> {
    let mut all = Vec::new();
    for node in nodes {
        let said = info(*node, "statistics").await.unwrap_or_default();
        let of = |key| {
            let found = said.contains(key).then(|| item(&said, key).to_owned());
            found.unwrap_or_default()
        };
        let remaining = of("migrate_partitions_remaining");
        all.push((of("cluster_size"), of("cluster_key"), remaining));
    }
    all
}

/// The rule for who stops members one by one: all are one cluster, by its key,
/// and nobody has anything to send or to receive.
async fn at_rest(nodes: &[SocketAddr]) {
    let size = nodes.len().to_string();
    let rest = |all: &Vec<(String, String, String)>| {
        all.iter()
            .all(|one| one.0 == size && one.1 == all[0].1 && one.2 == "0")
    };
    let what = format!("{size} nodes at rest");
    wait_for(&what, PATIENCE, async || said(nodes).await, rest)
        .await
        .unwrap();
}

/// Writes one record after another, always by the next node, until it is told
/// to stop; returns the numbers of those that were acknowledged.
fn write(nodes: Vec<SocketAddr>, stop: Arc<AtomicBool>, first: usize) -> JoinHandle<Vec<usize>> {
    tokio::spawn(async move {
        let mut acknowledged = Vec::new();
        for number in (first..).step_by(2) {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let put = format!("sim-put:ns=test;key=w{number};value={number}");
            let reply = info(nodes[number % nodes.len()], &put).await;
            if reply.is_ok_and(|reply| reply == "ok") {
                acknowledged.push(number);
            }
        }
        acknowledged
    })
}

/// Of these, how many are not there.
async fn missing(node: SocketAddr, prefix: &str, numbers: &[usize]) -> usize {
    let mut missing = 0;
    for run in numbers.chunk_by(|one, next| one + 1 == *next) {
        let (from, to) = (run[0], run[run.len() - 1]);
        let check = format!("sim-check-many:ns=test;prefix={prefix};from={from};to={to}");
        let found = info(node, &check).await.unwrap();
        missing += item(&found, "missing").parse::<usize>().unwrap();
    }
    missing
}

/// Five servers with records, which two writers write to; some of them stop,
/// and what was lost is counted: records, and acknowledged writes.
async fn stopped(stop: impl AsyncFnOnce(&mut Vec<Server>)) -> (usize, usize) {
    let field = Field::new();
    let mut servers: Vec<Server> = (0..5).map(|n| Server::start(&field, n)).collect();
    let services: Vec<SocketAddr> = servers.iter().map(|server| server.service).collect();
    let up = |all: &Vec<(String, String, String)>| all.iter().all(|one| !one.0.is_empty());
    wait_for("servers", PATIENCE, async || said(&services).await, up)
        .await
        .unwrap();
    for server in &services[1..] {
        let tip = format!("tip:host={};port=3002", server.ip());
        assert_eq!(info(services[0], &tip).await.unwrap(), "ok");
    }
    at_rest(&services).await;
    let fill = format!("sim-put-many:ns=test;prefix=key-;from=1;to={ALL}");
    let filled = info(services[0], &fill).await.unwrap();
    assert_eq!(filled, format!("written={ALL};failed=0"));

    let told = Arc::new(AtomicBool::new(false));
    let writers = [0, 1].map(|first| write(services.clone(), Arc::clone(&told), first));
    stop(&mut servers).await;
    let rest: Vec<SocketAddr> = servers.iter().map(|server| server.service).collect();
    at_rest(&rest).await;
    told.store(true, Ordering::Relaxed);
    let mut acknowledged = Vec::new();
    for writer in writers {
        acknowledged.extend(writer.await.unwrap());
    }
    acknowledged.sort_unstable();
    assert!(acknowledged.len() > 100, "{} writes", acknowledged.len());
    let all: Vec<usize> = (1..=ALL).collect();
    let lost = missing(rest[0], "key-", &all).await;
    let lost_writes = missing(rest[0], "w", &acknowledged).await;
    let written = acknowledged.len();
    eprintln!("lost: {lost} of {ALL} records, {lost_writes} of {written} acknowledged writes");
    (lost, lost_writes)
}

#[tokio::test]
async fn one_after_another_at_rest_loses_nothing() {
    let lost = stopped(async |servers: &mut Vec<Server>| {
        while servers.len() > 2 {
            let gone = servers.pop().unwrap();
            gone.terminate();
            gone.ended();
            let rest: Vec<SocketAddr> = servers.iter().map(|server| server.service).collect();
            at_rest(&rest).await;
        }
    });
    assert_eq!(lost.await, (0, 0));
}

/// So the test above can fail.
#[tokio::test]
async fn two_at_once_lose_records_and_acknowledged_writes() {
    let (records, writes) = stopped(async |servers: &mut Vec<Server>| {
        // Long enough for writes to both owners that go.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let gone = servers.split_off(3);
        gone.iter().for_each(Server::terminate);
        gone.into_iter().for_each(Server::ended);
    })
    .await;
    assert!(
        records > 0 && writes > 0,
        "{records} records, {writes} writes"
    );
}

/// The new key shows together with what is to be moved under it: whoever sees
/// it and nothing to move sees two copies of everything.
#[tokio::test]
async fn no_moment_of_rest_before_the_copies_are_made() {
    let field = Field::new();
    let mut nodes = field.start_many_quick(0..4).await;
    form(&nodes).await;
    let fill = format!("sim-put-many:ns=test;prefix=key-;from=1;to={ALL}");
    assert_eq!(
        ask(&nodes[0], &fill).await,
        format!("written={ALL};failed=0")
    );
    settled(&nodes).await;
    while nodes.len() > 2 {
        nodes.iter().for_each(|node| node.set_migrate_rate(700));
        nodes.pop().unwrap().stop().await;
        let services: Vec<SocketAddr> = nodes.iter().map(|node| node.service()).collect();
        at_rest(&services).await;
        let mut copies = 0;
        for node in &nodes {
            let said = ask(node, "namespace/test").await;
            copies += item(&said, "objects").parse::<usize>().unwrap();
        }
        assert_eq!(copies, 2 * ALL, "with {} nodes", nodes.len());
    }
}

/// To write is no migration: a loaded cluster at rest stays so.
#[tokio::test]
async fn writes_do_not_look_like_migrations() {
    let field = Field::new();
    let nodes = field.start_many_quick(0..3).await;
    form(&nodes).await;
    let services: Vec<SocketAddr> = nodes.iter().map(|node| node.service()).collect();
    let told = Arc::new(AtomicBool::new(false));
    let writers = [0, 1].map(|first| write(services.clone(), Arc::clone(&told), first));
    let mut looks = 0;
    while ask(&nodes[0], "sim-count:ns=test")
        .await
        .parse::<usize>()
        .unwrap()
        < 500
    {
        for (_, _, remaining) in said(&services).await {
            assert_eq!(remaining, "0", "at look {looks}");
        }
        looks += 1;
    }
    told.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(looks > 0);
}
