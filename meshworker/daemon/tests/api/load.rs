//! Ten thousand requests and two hundred slow readers, while the real program
//! looks after a cluster.

use std::io::{BufRead, BufReader};
use std::net::{IpAddr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::reply::{connect_from, exchange, request};
use super::support::{PATIENCE, World};

const REQUESTS: usize = 10_000;

/// One in so many requests is an order, whose event all readers should hear.
const ORDERS: usize = 5;

const READERS: usize = 200;

/// So many requests are under way at a time.
const AT_A_TIME: usize = 64;

/// Requests come from so many addresses, so that none runs into its limit.
const CLIENTS: usize = 50;

/// How much the program's memory may grow, in kilobytes.
const GROWTH: u64 = 32 * 1024;

/// So many passes are looked at where nothing else happens.
const QUIET: usize = 50;

/// The real program, and its log.
struct Process {
    child: Child,
    lines: mpsc::UnboundedReceiver<Value>,
}

impl Process {
    fn start(world: &World, token: &str) -> Process {
        let flags = world.settings(&[]).into_iter();
        let mut child = Command::new(env!("CARGO_BIN_EXE_meshworker"))
            .args(["run", "--verbose", "--log-format", "json"])
            .args(["--api-listen", "127.0.0.1:0", "--api-token-file", token])
            .args(flags.flat_map(|(name, value)| [format!("--{name}"), value]))
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = child.stderr.take().unwrap();
        let (sender, lines) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for line in BufReader::new(log).lines().map_while(Result::ok) {
                let line = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Process { child, lines }
    }

    /// The next line that says this.
    async fn says(&mut self, message: &str) -> Value {
        loop {
            let line = timeout(PATIENCE, self.lines.recv()).await;
            let line = line.unwrap_or_else(|_| panic!("it does not say {message}"));
            let line = line.unwrap_or_else(|| panic!("it ended: {:?}", self.child.try_wait()));
            if line["message"] == message {
                return line;
            }
        }
    }

    /// How long the next so many passes take, in milliseconds.
    async fn passes(&mut self, count: usize) -> Vec<f64> {
        let mut took = Vec::new();
        while took.len() < count {
            took.push(self.says("pass").await["took_ms"].as_f64().unwrap());
        }
        took
    }

    /// How long those passes took that are over and were not looked at.
    fn passes_since(&mut self) -> Vec<f64> {
        let mut took = Vec::new();
        while let Ok(line) = self.lines.try_recv() {
            if line["message"] == "pass" {
                took.push(line["took_ms"].as_f64().unwrap());
            }
        }
        took
    }

    /// Resident memory, in kilobytes.
    fn memory(&self) -> u64 {
        let file = format!("/proc/{}/status", self.child.id());
        let text = std::fs::read_to_string(file).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.unwrap()
            .trim()
            .trim_end_matches(" kB")
            .parse()
            .unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Ended already, or ended now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn much_asking_harms_neither_the_passes_nor_the_memory() {
    let world = World::formed([1, 2, 3]).await;
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), "token").unwrap();
    let mut process = Process::start(&world, token.path().to_str().unwrap());
    let line = process.says("listening for operators").await;
    let address: SocketAddr = line["address"].as_str().unwrap().parse().unwrap();
    process.passes(5).await;
    let quiet = process.passes(QUIET).await;
    let before = process.memory();

    let mut readers = Vec::new();
    for _ in 0..READERS {
        readers.push(slow_reader(address).await);
    }
    process.passes_since();
    let number = process.says("pass").await["pass"].as_u64().unwrap();
    let began = Instant::now();
    let counts = Arc::new([const { AtomicUsize::new(0) }; 3]);
    let next = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..AT_A_TIME)
        .map(|_| tokio::spawn(ask(address, Arc::clone(&next), Arc::clone(&counts))))
        .collect();
    let mut most = before;
    for task in tasks {
        task.await.unwrap();
        most = most.max(process.memory());
    }
    let took = began.elapsed();
    let busy = process.passes_since();
    let last = process.says("pass").await["pass"].as_u64().unwrap();
    most = most.max(process.memory());

    let [good, limited, lost] = [0, 1, 2].map(|kind| counts[kind].load(Ordering::Relaxed));
    println!(
        "api: {REQUESTS} requests in {:.1} s: {good} answered, {limited} told to slow down, {lost} lost",
        took.as_secs_f64()
    );
    println!(
        "api: a pass without load {}; with load {}",
        told(quiet),
        told(busy.clone())
    );
    println!("api: memory {before} kB, under load at most {most} kB");
    assert_eq!(good + limited, REQUESTS);
    assert_eq!(last - number, busy.len() as u64 + 1, "a pass was left out");
    assert!(busy.len() > 1, "no pass while it was asked");
    assert!(most < before + GROWTH, "{before} kB became {most} kB");

    let [mut missed, mut cut, mut whole] = [0; 3];
    for reader in readers {
        match fate(reader).await {
            Fate::Missed => missed += 1,
            Fate::Cut => cut += 1,
            Fate::Whole => whole += 1,
        }
    }
    println!(
        "api: of {READERS} slow readers {missed} were told what they missed, {cut} were cut, {whole} missed nothing"
    );
    assert!(missed + cut > 0, "nobody was slow: the test is too weak");
}

/// What passes took: the median and the slowest of a hundred.
fn told(mut took: Vec<f64>) -> String {
    took.sort_by(f64::total_cmp);
    let at = |share: f64| took[((took.len() - 1) as f64 * share).round() as usize];
    format!(
        "p50 {:.2} ms, p99 {:.2} ms ({} passes)",
        at(0.5),
        at(0.99),
        took.len()
    )
}

/// Sends requests until there were enough.
async fn ask(address: SocketAddr, next: Arc<AtomicUsize>, counts: Arc<[AtomicUsize; 3]>) {
    const PATHS: [&str; 5] = [
        "/v1/clusters/db",
        "/v1/clusters",
        "/v1/events?limit=20",
        "/v1/clusters/db/plan",
        "/v1/ready",
    ];
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= REQUESTS {
            return;
        }
        let bytes = if number.is_multiple_of(ORDERS) {
            let headers = [
                ("authorization", "Bearer token"),
                ("content-type", "application/json"),
            ];
            // Long, so that it fills what is kept for slow readers.
            let body = format!("{{\"why\":\"{number} {}\"}}", "x".repeat(240));
            request("POST /v1/clusters/db/hold", &headers, &body)
        } else {
            request(&format!("GET {}", PATHS[number % PATHS.len()]), &[], "")
        };
        let from = IpAddr::from([127, 0, 1, 1 + (number % CLIENTS) as u8]);
        let stream = connect_from(from, address).await.unwrap();
        let reply = timeout(PATIENCE, exchange(stream, &bytes))
            .await
            .ok()
            .flatten();
        let kind = match reply.map(|reply| reply.status) {
            Some(200) => 0,
            Some(429) => 1,
            _ => 2,
        };
        counts[kind].fetch_add(1, Ordering::Relaxed);
    }
}

/// A stream whose reader takes its greeting and then nothing.
async fn slow_reader(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 * 1024).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let ask = b"GET /v1/events/stream HTTP/1.0\r\n\r\n";
    stream.write_all(ask).await.unwrap();
    let mut heard = Vec::new();
    while !heard.windows(7).any(|part| part == b": hello") {
        assert!(
            stream.read_buf(&mut heard).await.unwrap() > 0,
            "it was not taken"
        );
    }
    stream
}

/// What became of a slow reader.
enum Fate {
    Missed,
    Cut,
    Whole,
}

/// Reads on: what it was told, and that nothing is missing without a word.
async fn fate(mut reader: TcpStream) -> Fate {
    let mut text = Vec::new();
    let mut last = None;
    loop {
        let read = timeout(Duration::from_secs(60), reader.read_buf(&mut text)).await;
        match read {
            Ok(Ok(read)) if read > 0 => {}
            _ => return Fate::Cut,
        }
        while let Some(end) = text.windows(2).position(|part| part == b"\n\n") {
            let block = String::from_utf8(text.drain(..end + 2).collect()).unwrap();
            if block.contains("event: missed") {
                return Fate::Missed;
            }
            if let Some(id) = block.lines().find_map(|line| line.strip_prefix("id: ")) {
                let id: u64 = id.parse().unwrap();
                assert!(
                    last.is_none_or(|last| id == last + 1),
                    "{id} after {last:?}"
                );
                last = Some(id);
            }
            if block.contains("still here") {
                return Fate::Whole;
            }
        }
    }
}
