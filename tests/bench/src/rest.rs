//! What many Redis members at rest cost.

use std::net::IpAddr;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Result;
use fake_dns::{Behaviour, FakeDns};

use crate::fake_redis::Cluster;
use crate::figure::{Figure, Section, millis, short};
use crate::worker::{Line, Worker};

const SIZES: [usize; 3] = [100, 300, 1000];

/// How many passes at rest are counted: of each node one asks for everything.
const PASSES: usize = 16;

const HOW: &str = "\
That many masters of a Redis Cluster that is one and stays so, played in one process,
which answer what is asked of them at rest; the worker has DNS alone, and looks every
second. First with members whose user may not run scripts, so that each is asked for its
whole table every time; then as it is otherwise: a digest, and the table with every
sixteenth look. Sixteen passes are counted, once it is calm.";

struct Sample {
    pass: f64,
    processor: f64,
    requests: f64,
    bytes: f64,
    peak: f64,
}

/// Measures every size, both ways.
///
/// # Errors
///
/// When a cluster is not seen to be one.
pub async fn measure(program: &Path) -> Result<Section> {
    let heads = [
        "members",
        "asked for",
        "idle pass",
        "processor per idle pass",
        "round trips per member and pass",
        "answered in a pass",
        "at most",
    ];
    let mut table = vec![heads.map(String::from).to_vec()];
    let mut figures = Vec::new();
    for (number, members) in SIZES.into_iter().enumerate() {
        let addresses: Vec<IpAddr> = (0..members)
            .map(|n| {
                [
                    127,
                    50 + number as u8,
                    (n / 100) as u8,
                    101 + (n % 100) as u8,
                ]
                .into()
            })
            .collect();
        let cluster = Cluster::start(&addresses).await?;
        let dns = FakeDns::start().await?;
        dns.set("db", Behaviour::Answer(addresses.clone()));
        for (digests, what) in [(false, "everything"), (true, "a digest")] {
            cluster.digests.store(digests, Ordering::Relaxed);
            let sample = sample(program, &cluster, &dns, members).await?;
            let row = vec![
                members.to_string(),
                what.into(),
                format!("{} ms", short(sample.pass)),
                format!("{} ms", short(sample.processor)),
                short(sample.requests),
                format!("{} kB", short(sample.bytes / 1000.0)),
                format!("{:.1} MB", sample.peak),
            ];
            eprintln!("  {}", row.join(", "));
            table.push(row);
            if digests && members == SIZES[2] {
                figures = vec![
                    Figure::new(
                        format!("processor time of a pass at rest, {members} Redis members"),
                        sample.processor,
                        90.0,
                        "ms",
                    ),
                    Figure::new(
                        format!("round trips per member and pass at rest, {members} Redis members"),
                        sample.requests,
                        1.0,
                        "",
                    ),
                ];
            }
        }
    }
    Ok(Section {
        title: "Redis members at rest",
        only: "rest",
        how: HOW.into(),
        figures,
        table,
    })
}

async fn sample(
    program: &Path,
    cluster: &Cluster,
    dns: &FakeDns,
    members: usize,
) -> Result<Sample> {
    let arguments = [
        "--engine=redis".into(),
        "--servicename=db".into(),
        "--docker=no".into(),
        "--option=replicas-per-master=0".into(),
        "--verbose".into(),
        "--interval=1".into(),
        format!("--name-server={}", dns.address()),
    ];
    let mut worker = Worker::start(program, &arguments, &[])?;
    let within = Duration::from_secs(60);
    let calm = |line: &Line| line.says_pass() && line.text("pace") == "Calm";
    for _ in 0..2 {
        worker.line(within, "it is calm", calm).await?;
    }
    cluster.requests.store(0, Ordering::Relaxed);
    cluster.bytes.store(0, Ordering::Relaxed);
    let before = worker.processor()?;
    let mut pass = 0.0;
    for _ in 0..PASSES {
        let line = worker
            .line(within, "it looks again", Line::says_pass)
            .await?;
        pass += line.number("took_ms") / PASSES as f64;
    }
    let processor = worker.processor()? - before;
    let each = |count: u64| count as f64 / PASSES as f64;
    let (_, peak) = worker.memory()?;
    Ok(Sample {
        pass,
        processor: millis(processor) / PASSES as f64,
        requests: each(cluster.requests.load(Ordering::Relaxed)) / members as f64,
        bytes: each(cluster.bytes.load(Ordering::Relaxed)),
        peak,
    })
}
