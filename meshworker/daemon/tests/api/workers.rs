//! Three workers of one service, at addresses of their own in one process.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use fake_dns::{Behaviour, FakeDns};
use meshworker::board::{Board, Powers};
use meshworker::config::IpFamily;
use meshworker::group::{Group, Settings};
use meshworker::status::{GroupStatus, Part};
use meshworker::token_file::TokenFile;
use meshworker::witness::DnsOptions;
use meshworker_group::Seat;
use tempfile::NamedTempFile;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::support::until;

/// The name that leads to all of them.
const NAME: &str = "workers";

/// Each group of a process has a port of its own, below those that the kernel gives.
static PORT: AtomicU16 = AtomicU16::new(25_749);

/// Three workers of one service, at addresses of their own in one process.
pub struct Workers {
    workers: Vec<Worker>,
    _dns: FakeDns,
    _token: NamedTempFile,
}

struct Worker {
    board: Arc<Board>,
    group: Group,
    running: JoinHandle<Result<(), String>>,
    _stop: watch::Sender<bool>,
}

impl Workers {
    /// Three that vote, of which the first one acts.
    pub async fn three() -> Workers {
        let dns = FakeDns::start().await.unwrap();
        let token = NamedTempFile::new().unwrap();
        std::fs::write(token.path(), "a-token-of-the-workers").unwrap();
        let port = PORT.fetch_add(1, Ordering::Relaxed);
        let mut workers = Vec::new();
        for slot in 1..=3 {
            workers.push(Worker::start(slot, port, &dns, &token).await);
        }
        let addresses = (1..=3).map(|slot| address(slot).to_string());
        let addresses: Vec<String> = addresses.collect();
        let all = addresses.iter().map(String::as_str);
        dns.set(NAME, Behaviour::answer(all));
        let workers = Workers {
            workers,
            _dns: dns,
            _token: token,
        };
        workers
            .until("three vote", |first| first.acts && votes(first) == 3)
            .await;
        workers
    }

    /// The board of the first one.
    pub fn board(&self) -> &Arc<Board> {
        &self.workers[0].board
    }

    /// What the group is called.
    pub fn group(&self) -> Option<String> {
        self.workers[0].group.status().group.clone()
    }

    /// Kills the second one, and waits until the first one misses it.
    pub async fn lose_one(&mut self) {
        let other = self.workers.remove(1);
        other.running.abort();
        let _ = other.running.await;
        let missed = |first: &GroupStatus| {
            let answering = first.members.iter().filter(|one| one.answers);
            answering.count() == 2
        };
        self.until("it is missed", missed).await;
    }

    /// Kills all others, and waits until the first one knows that nobody leads.
    pub async fn bereave(&mut self) {
        for other in self.workers.drain(1..) {
            other.running.abort();
            let _ = other.running.await;
        }
        let alone = |first: &GroupStatus| {
            let answering = first.members.iter().filter(|one| one.answers);
            first.leader.is_none() && answering.count() == 1
        };
        self.until("nobody leads", alone).await;
    }

    /// Waits until the first one sees the group like this.
    async fn until(&self, what: &str, is_so: impl Fn(&GroupStatus) -> bool) {
        let first = &self.workers[0].group;
        until(what, async || first.status(), |seen| is_so(seen)).await;
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        for worker in &self.workers {
            worker.running.abort();
        }
    }
}

impl Worker {
    async fn start(slot: u64, port: u16, dns: &FakeDns, token: &NamedTempFile) -> Worker {
        let board = Board::new(Powers::default());
        let settings = Settings {
            listen: SocketAddr::new(address(slot), port),
            token_file: TokenFile::new(token.path()),
            workers: NAME.into(),
            dns: DnsOptions {
                name_servers: Some(vec![dns.address()]),
                family: IpFamily::V4,
                ..DnsOptions::default()
            },
            service: None,
            seat: Seat {
                slot,
                node: Some(node(slot)),
                task: format!("task-{slot}"),
            },
            state: None,
            preferred: Some("1".into()),
        };
        let (group, runner) = Group::open(settings, Arc::clone(&board) as _)
            .await
            .unwrap();
        board.agree_in(group.clone());
        let (stop, stopped) = watch::channel(false);
        Worker {
            board,
            group,
            running: tokio::spawn(runner.run(stopped)),
            _stop: stop,
        }
    }
}

/// The machine that this one runs on.
pub fn node(slot: u64) -> String {
    format!("node-{slot}")
}

/// Other processes on this machine have addresses of their own.
fn address(slot: u64) -> IpAddr {
    let [.., high, low] = std::process::id().to_be_bytes();
    IpAddr::from([127, 64 | high, low, 10 + u8::try_from(slot).unwrap()])
}

fn votes(seen: &GroupStatus) -> usize {
    let votes = |part| matches!(part, Part::Leader | Part::Voter);
    seen.members.iter().filter(|one| votes(one.part)).count()
}
