//! Members that stop in an orderly way, while somebody writes.

use std::net::SocketAddr;
use std::process::Stdio;

use aerospike_sim::info;
use aerospike_sim::testing::{Process, Writers, wait_for};

use crate::common::{Field, PATIENCE, ask, form, item, settled};

const ALL: usize = 5_000;

struct Server {
    process: Process,
    service: SocketAddr,
}

impl Server {
    fn start(field: &Field, number: u16) -> Server {
        let address = field.loopback.address(number);
        let process = Process::start(env!("CARGO_BIN_EXE_aerospike-sim"), |command| {
            command
                .args(["--address", &address.to_string(), "--port-delay-ms", "0"])
                .stderr(Stdio::null());
        });
        Server {
            process: process.unwrap(),
            service: SocketAddr::new(address, 3000),
        }
    }

    fn ended(mut self) {
        assert_eq!(self.process.ended().unwrap().code(), Some(0));
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

    // Enough for every pair of owners.
    let writers = Writers::start(&services);
    writers.go_on(300).await.unwrap();
    stop(&mut servers).await;
    let rest: Vec<SocketAddr> = servers.iter().map(|server| server.service).collect();
    at_rest(&rest).await;
    let acknowledged = writers.end().await;
    let check = format!("sim-check-many:ns=test;prefix=key-;from=1;to={ALL}");
    let found = info(rest[0], &check).await.unwrap();
    let lost: usize = found.split_once("missing=").unwrap().1.parse().unwrap();
    let lost_writes = Writers::missing(rest[0], &acknowledged).await.unwrap();
    let written = acknowledged.len();
    eprintln!("lost: {lost} of {ALL} records, {lost_writes} of {written} acknowledged writes");
    (lost, lost_writes)
}

#[tokio::test]
async fn one_after_another_at_rest_loses_nothing() {
    let lost = stopped(async |servers: &mut Vec<Server>| {
        while servers.len() > 2 {
            let gone = servers.pop().unwrap();
            gone.process.terminate().unwrap();
            gone.ended();
            let rest: Vec<SocketAddr> = servers.iter().map(|server| server.service).collect();
            at_rest(&rest).await;
        }
    });
    assert_eq!(lost.await, (0, 0));
}

async fn set_migrate_rate(servers: &[Server], rate: u32) {
    for server in servers {
        let set = format!("sim-migrate-rate:partitions-per-second={rate}");
        assert_eq!(info(server.service, &set).await.unwrap(), "ok");
    }
}

/// So the test above can fail.
#[tokio::test]
async fn two_at_once_lose_records_and_acknowledged_writes() {
    let (records, writes) = stopped(async |servers: &mut Vec<Server>| {
        // However long the second takes to end, no copies are made before it has.
        set_migrate_rate(servers, 0).await;
        let gone = servers.split_off(3);
        for server in &gone {
            server.process.terminate().unwrap();
        }
        gone.into_iter().for_each(Server::ended);
        set_migrate_rate(servers, 1000).await;
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
    let writers = Writers::start(&services);
    for look in 0..50 {
        writers.go_on(3).await.unwrap();
        for (_, _, remaining) in said(&services).await {
            assert_eq!(remaining, "0", "at look {look}");
        }
    }
    writers.end().await;
}
