//! What three members at rest cost.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use futures_util::future::try_join;
use tokio::time::{Instant, sleep};

use crate::figure::{Figure, Section};
use crate::stage::Stage;
use crate::worker::Worker;

/// How long processor time is measured.
const FOR: Duration = Duration::from_secs(60);

/// How long a worker may come to rest before.
const SETTLE: Duration = Duration::from_secs(5);

const HOW: &str = "\
A formed cluster of three, and a worker with its usual settings: DNS is asked every
half second, the Docker API every second, the members every five. Processor time is
the program's and the kernel's for it, from `/proc/PID/stat` over 60 s; memory is
`VmRSS` and `VmHWM`.";

/// What was seen of one worker.
struct Sample {
    share: f64,
    resident: f64,
    peak: f64,
}

/// Measures with DNS alone and with the Docker API, side by side.
///
/// # Errors
///
/// When a cluster does not become one.
pub async fn measure(program: &Path) -> Result<Section> {
    let (dns, docker) = try_join(
        sample(program, [40, 0], false),
        sample(program, [40, 1], true),
    )
    .await?;
    let mut table = vec![
        ["", "processor, of one core", "resident", "at most"]
            .map(String::from)
            .to_vec(),
    ];
    let mut figures = Vec::new();
    for (name, sample) in [("DNS alone", dns), ("Docker API", docker)] {
        table.push(vec![
            name.into(),
            format!("{:.2} %", sample.share),
            format!("{:.1} MB", sample.resident),
            format!("{:.1} MB", sample.peak),
        ]);
        figures.push(Figure::new(
            format!("idle processor time, 3 members, {name}"),
            sample.share,
            0.5,
            "% of a core",
        ));
        figures.push(Figure::new(
            format!("resident memory at most, 3 members, {name}"),
            sample.peak,
            12.0,
            "MB",
        ));
    }
    Ok(Section {
        title: "At rest",
        only: "idle",
        how: HOW.into(),
        figures,
        table,
    })
}

async fn sample(program: &Path, network: [u8; 2], with_engine: bool) -> Result<Sample> {
    let mut stage = Stage::new(network, with_engine).await?;
    stage.populate(3).await?;
    let mut worker = Worker::start(program, &stage.arguments(), &stage.variables())?;
    worker
        .line(Duration::from_secs(20), "all are one", |line| {
            line.says_one()
        })
        .await?;
    sleep(SETTLE).await;
    let (began, before) = (Instant::now(), worker.processor()?);
    sleep(FOR).await;
    let used = worker.processor()? - before;
    let share = used.as_secs_f64() / began.elapsed().as_secs_f64() * 100.0;
    let (resident, peak) = worker.memory()?;
    Ok(Sample {
        share,
        resident,
        peak,
    })
}
