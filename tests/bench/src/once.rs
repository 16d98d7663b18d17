//! `meshworker run --once` on a formed cluster.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::time::Instant;

use crate::figure::{Figure, Section, millis, percentile, short};
use crate::stage::Stage;
use crate::worker;

const RUNS: usize = 25;

const HOW: &str = "\
On a formed cluster of three, from starting the process until it has ended with 0.";

/// Measures with DNS alone and with the Docker API.
///
/// # Errors
///
/// When a run fails.
pub async fn measure(program: &Path) -> Result<Section> {
    let mut figures = Vec::new();
    let mut table = vec![["", "runs", "p50", "max"].map(String::from).to_vec()];
    for (name, network, with_engine) in
        [("DNS alone", [50, 0], false), ("Docker API", [50, 1], true)]
    {
        let sorted = sample(program, network, with_engine).await?;
        let at = |percent| percentile(&sorted, percent);
        figures.push(Figure::millis(
            format!("`--once` on a formed cluster, {name}, max"),
            at(100),
            300.0,
        ));
        let mut row = vec![name.to_owned(), sorted.len().to_string()];
        row.extend([50, 100].map(|percent| format!("{} ms", short(millis(at(percent))))));
        eprintln!("  {}", row.join(", "));
        table.push(row);
    }
    Ok(Section {
        title: "Once",
        only: "once",
        how: HOW.into(),
        figures,
        table,
    })
}

async fn sample(program: &Path, network: [u8; 2], with_engine: bool) -> Result<Vec<Duration>> {
    let mut stage = Stage::new(network, with_engine).await?;
    stage.populate(3).await?;
    let mut arguments = stage.arguments();
    arguments.extend(["--once".into(), "--min-members=3".into()]);
    let mut times = Vec::new();
    // The first one forms the cluster.
    for number in 0..=RUNS {
        let mut command = worker::command(program, &arguments);
        command.envs(stage.variables()).stderr(Stdio::null());
        let began = Instant::now();
        let status = tokio::task::block_in_place(|| command.status())?;
        let took = began.elapsed();
        ensure!(status.success(), "`--once` ended with {status}");
        if number == 0 {
            stage.formed().await?;
        } else {
            times.push(took);
        }
    }
    times.sort_unstable();
    Ok(times)
}
