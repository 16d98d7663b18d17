//! Three workers that agree on one: how soon, and how soon on another one.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use fake_dns::{Behaviour, FakeDns};
use meshworker::config::IpFamily;
use meshworker::group::{Group, Listener, Settings};
use meshworker::token_file::TokenFile;
use meshworker::witness::DnsOptions;
use meshworker_group::{Given, Order, Ordered, Seat, Told};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::figure::{Figure, Section, millis, percentile, short};

/// So often the one that acts is lost, and so often it is told to go.
const LOSSES: usize = 30;

/// So many orders are given, each at the next worker.
const ORDERS: usize = 300;

/// Far longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// After whoever was lost is back the group rests for so long.
const REST: Duration = Duration::from_secs(1);

/// How closely is looked: a figure is true to twice that.
const LOOK: Duration = Duration::from_millis(1);

const PORT: u16 = 24_700;

const HOW: &str = "\
Three workers' groups, each with a thread, an address on loopback and a SQLite file of its
own, and a name server that lists all three. *Lost*: its thread and sockets end without a
word; measured until another one may act. *Told to go*: as by SIGTERM. *Ordered*: a hold
that is given to each in turn, until it is answered: on the disks of two at least.";

struct Nobody;

impl Listener for Nobody {
    fn begins_anew(&self) {}

    fn ordered(&self, _: &BTreeMap<String, Given>) {}

    fn told(&self, _: u64, _: &Told) {}
}

struct Worker {
    group: Group,
    stop: watch::Sender<bool>,
    runtime: Option<Runtime>,
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Worker {
    fn acts(&self) -> bool {
        self.group.mandate("db").authority().fence().is_some()
    }
}

struct Workers {
    dns: FakeDns,
    folder: tempfile::TempDir,
    running: BTreeMap<u8, Worker>,
}

/// Measures.
///
/// # Errors
///
/// When the workers do not agree.
pub async fn measure() -> Result<Section> {
    let mut workers = Workers::begin().await?;
    let began = Instant::now();
    for slot in 1..=3 {
        workers.start(slot).await?;
    }
    workers.agreed().await?;
    let formed = began.elapsed();
    let ordered = workers.order().await?;
    let (mut lost, mut left) = (Vec::new(), Vec::new());
    for _ in 0..LOSSES {
        lost.push(workers.another_acts_after(false).await?);
        left.push(workers.another_acts_after(true).await?);
    }
    lost.sort_unstable();
    left.sort_unstable();
    let figures = vec![
        Figure::millis("three workers agree after they run", formed, 3_000.0),
        Figure::millis(
            "another worker acts, the one before lost, p50",
            percentile(&lost, 50),
            500.0,
        ),
        Figure::millis(
            "another worker acts, the one before lost, p99",
            percentile(&lost, 99),
            1_000.0,
        ),
        Figure::millis(
            "another worker acts, the one before told to go, max",
            percentile(&left, 100),
            150.0,
        ),
        Figure::millis("an order is answered, p99", percentile(&ordered, 99), 20.0),
    ];
    let mut table = vec![
        ["", "times", "p50", "p99", "max"]
            .map(String::from)
            .to_vec(),
    ];
    for (name, sorted) in [
        ("lost", &lost),
        ("told to go", &left),
        ("ordered", &ordered),
    ] {
        let mut row = vec![name.to_owned(), sorted.len().to_string()];
        let at = [50, 99, 100].map(|percent| percentile(sorted, percent));
        row.extend(at.map(|time| format!("{} ms", short(millis(time)))));
        table.push(row);
    }
    Ok(Section {
        title: "Workers",
        only: "workers",
        how: HOW.into(),
        figures,
        table,
    })
}

impl Workers {
    async fn begin() -> Result<Workers> {
        let workers = Workers {
            dns: FakeDns::start().await?,
            folder: tempfile::tempdir()?,
            running: BTreeMap::new(),
        };
        std::fs::write(workers.token(), "what workers alone know")?;
        workers.dns.set(
            "workers",
            Behaviour::answer(["127.0.7.1", "127.0.7.2", "127.0.7.3"]),
        );
        Ok(workers)
    }

    fn token(&self) -> PathBuf {
        self.folder.path().join("token")
    }

    async fn start(&mut self, slot: u8) -> Result<()> {
        let listen = SocketAddr::new(IpAddr::from([127, 0, 7, slot]), PORT);
        // The one before it may not have let go yet.
        self.until("its port", |_| std::net::TcpListener::bind(listen).is_ok())
            .await?;
        let settings = Settings {
            listen,
            token_file: TokenFile::new(self.token()),
            workers: "workers".into(),
            dns: DnsOptions {
                name_servers: Some(vec![self.dns.address()]),
                family: IpFamily::V4,
                ..DnsOptions::default()
            },
            service: None,
            seat: Seat {
                slot: slot.into(),
                node: Some(format!("node-{slot}")),
                task: String::new(),
            },
            // Each on a disk of its own.
            state: Some(self.folder.path().join(format!("node-{slot}"))),
            preferred: None,
        };
        let (group, runner) = Group::open(settings, Arc::new(Nobody)).await?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let (stop, stopped) = watch::channel(false);
        runtime.spawn(runner.run(stopped));
        let worker = Worker {
            group,
            stop,
            runtime: Some(runtime),
        };
        self.running.insert(slot, worker);
        Ok(())
    }

    async fn until(&self, what: &str, holds: impl Fn(&Workers) -> bool) -> Result<()> {
        let began = Instant::now();
        while !holds(self) {
            if began.elapsed() > PATIENCE {
                let seen: Vec<_> = self
                    .running
                    .values()
                    .map(|one| one.group.status())
                    .collect();
                bail!("waited in vain for {what}: {seen:?}");
            }
            sleep(LOOK).await;
        }
        Ok(())
    }

    fn acting(&self) -> Option<u8> {
        let acting = self.running.iter().find(|(_, worker)| worker.acts());
        acting.map(|(slot, _)| *slot)
    }

    /// All three vote, and one acts.
    async fn agreed(&self) -> Result<()> {
        let votes = |worker: &Worker| worker.group.status().voters() == 3;
        self.until("three that vote", |workers| {
            workers.acting().is_some() && workers.running.values().all(votes)
        })
        .await
    }

    async fn order(&self) -> Result<Vec<Duration>> {
        let mut times = Vec::new();
        let all = self.running.values().cycle();
        for (worker, number) in all.zip(0..ORDERS) {
            let order = Ordered {
                cluster: "db".into(),
                who: None,
                at_ms: 0,
                order: Order::Hold {
                    member: None,
                    why: number.to_string(),
                    until_ms: None,
                },
            };
            let began = Instant::now();
            let done = worker.group.order(order).await;
            done.map_err(anyhow::Error::msg)?;
            times.push(began.elapsed());
        }
        times.sort_unstable();
        Ok(times)
    }

    /// How long nobody acts after the one that does was lost, or was told to go.
    async fn another_acts_after(&mut self, told: bool) -> Result<Duration> {
        let slot = self.acting().context("nobody acts")?;
        let worker = self.running.remove(&slot).context("it runs")?;
        let began = Instant::now();
        let leaving = match told {
            true => {
                worker.stop.send_replace(true);
                Some(worker)
            }
            false => {
                drop(worker);
                None
            }
        };
        self.until("another one that acts", |workers| {
            workers.acting().is_some()
        })
        .await?;
        let took = began.elapsed();
        if let Some(worker) = leaving {
            worker.stop.closed().await;
        }
        self.start(slot).await?;
        self.agreed().await?;
        sleep(REST).await;
        Ok(took)
    }
}
