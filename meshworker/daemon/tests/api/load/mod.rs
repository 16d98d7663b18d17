//! Many requests and slow readers, while the real program looks after a cluster.

pub mod process;
mod readers;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::reply::{connect_from, exchange, request};
use super::support::{PATIENCE, World};
use process::{Pass, Process, told};
use readers::{Fates, slow_reader};

/// How much is asked.
#[derive(Debug, Clone, Copy)]
struct Load {
    /// At least so many requests.
    requests: usize,
    /// Of ten requests so many are orders, whose event all readers should hear.
    orders: usize,
    readers: usize,
    /// So many requests are under way at a time.
    at_a_time: usize,
}

/// Enough orders for a slow reader to be too slow, and little else.
const SOME: Load = Load {
    requests: 1_000,
    orders: 8,
    readers: 8,
    at_a_time: 8,
};

const MUCH: Load = Load {
    requests: 10_000,
    orders: 2,
    readers: 200,
    at_a_time: 64,
};

/// Requests come from so many addresses, so that none runs into its limit.
const CLIENTS: usize = 50;

/// How much the program's memory may grow, in kilobytes: what is kept for connections and readers has a bound.
const GROWTH: u64 = 32 * 1024;

/// So many passes are looked at before, and at least so many while it is asked.
const PASSES: usize = 5;

/// Why the last order is given.
const LAST: &str = "this is the last order";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asking_harms_neither_the_passes_nor_the_memory() {
    bear(SOME).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the long tier: cargo xtask test --all"]
async fn much_asking_harms_neither_the_passes_nor_the_memory() {
    bear(MUCH).await;
}

/// Asks the real program this much: all are answered, no pass is left out, and memory has a bound.
async fn bear(load: Load) {
    let world = World::formed([1, 2, 3]).await;
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), "token-of-the-tests").unwrap();
    let mut process = Process::start(&world, token.path().to_str().unwrap());
    let line = process.says("listening for operators").await;
    let address: SocketAddr = line["address"].as_str().unwrap().parse().unwrap();
    let quiet = process.passes(PASSES).await;
    let before = process.memory();
    let mut readers = Vec::new();
    for number in 0..load.readers {
        readers.push(slow_reader(number, address).await);
    }

    let began = Instant::now();
    let progress = Arc::new(Progress::default());
    let mut clients: JoinSet<()> = (0..load.at_a_time)
        .map(|_| ask(address, load, Arc::clone(&progress)))
        .collect();
    let (mut busy, mut most): (Vec<Pass>, u64) = (Vec::new(), before);
    loop {
        tokio::select! {
            client = clients.join_next() => match client {
                Some(client) => client.unwrap(),
                None => break,
            },
            pass = process.pass() => {
                busy.push(pass);
                progress.passes.fetch_add(1, Ordering::Relaxed);
                most = most.max(process.memory());
            }
        }
    }
    let took = began.elapsed().as_secs_f64();
    let answer = exchange_from(0, address, &hold(LAST)).await;
    assert_eq!(answer, Some(200));
    let fates = Fates::of(readers, LAST).await;

    println!("api: {load:?}: {took:.1} s, {progress:?}, {fates:?}");
    println!("api: a pass without load {}", told(&quiet));
    println!("api: a pass under load {}", told(&busy));
    println!("api: memory {before} kB, under load at most {most} kB");
    assert_eq!(progress.lost.load(Ordering::Relaxed), 0, "{progress:?}");
    let follows = |pair: &[Pass]| pair[1].number == pair[0].number + 1;
    assert!(
        busy.windows(2).all(follows),
        "a pass was left out: {busy:?}"
    );
    assert!(most < before + GROWTH, "{before} kB became {most} kB");
    let slow = fates.missed + fates.cut;
    assert!(slow > 0, "nobody was slow: the test is too weak");
}

/// What came of the requests so far.
#[derive(Debug, Default)]
struct Progress {
    begun: AtomicUsize,
    good: AtomicUsize,
    /// Told to slow down.
    limited: AtomicUsize,
    lost: AtomicUsize,
    /// So many passes have ended meanwhile.
    passes: AtomicUsize,
}

/// Sends requests until there were enough of them, and of passes.
async fn ask(address: SocketAddr, load: Load, progress: Arc<Progress>) {
    const PATHS: [&str; 5] = [
        "/v1/clusters/db",
        "/v1/clusters",
        "/v1/events?limit=20",
        "/v1/clusters/db/plan",
        "/v1/ready",
    ];
    loop {
        let number = progress.begun.fetch_add(1, Ordering::Relaxed);
        if number >= load.requests && progress.passes.load(Ordering::Relaxed) >= PASSES {
            return;
        }
        let bytes = if number % 10 < load.orders {
            // Long, so that it fills what is kept for slow readers.
            hold(&format!("{number} {}", "x".repeat(240)))
        } else {
            let path = PATHS[number / 10 % PATHS.len()];
            request(&format!("GET {path}"), &[], "")
        };
        let kind = match exchange_from(number, address, &bytes).await {
            Some(200) => &progress.good,
            Some(429) => &progress.limited,
            _ => &progress.lost,
        };
        kind.fetch_add(1, Ordering::Relaxed);
    }
}

/// An order to hold the cluster.
fn hold(why: &str) -> Vec<u8> {
    let headers = [
        ("authorization", "Bearer token-of-the-tests"),
        ("content-type", "application/json"),
    ];
    let body = serde_json::json!({ "why": why }).to_string();
    request("POST /v1/clusters/db/hold", &headers, body)
}

/// What one of the clients is answered with; none when it is not.
async fn exchange_from(client: usize, address: SocketAddr, bytes: &[u8]) -> Option<u16> {
    let from = IpAddr::from([127, 0, 1, 1 + (client % CLIENTS) as u8]);
    let answered = async { exchange(connect_from(from, address).await.ok()?, bytes).await };
    let reply = timeout(PATIENCE, answered).await.ok().flatten();
    reply.map(|reply| reply.status)
}
