//! From "the port answers" to "the join is acknowledged".

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use futures_util::future::try_join_all;

use crate::figure::{Figure, Section, millis, percentile, short};
use crate::lane::Lane;

/// How many clusters grow side by side: a worker at rest costs next to nothing,
/// so they hardly disturb each other.
const LANES: u8 = 10;

/// How often each of them grows.
const JOINS: usize = 8;

const HOW: &str = "\
Clusters of three grow one by one to eleven, each with a worker of its own. A new
address is known to the Docker API 0.4 s before DNS lists it; in half of the joins
an event goes before it, in the others there is none, as when a member starts on
another node than the manager that is asked. With the API, DNS hides half of the
members until 1.5 s after their port answers, as with a health check. For the first
three fifths of its start a new address is silent (a request for a connection is
lost), then it refuses, and 0.5 to 1.5 s after the address was known its port
answers: the clock starts. It stops when the worker has logged the `ok` to the tip.
Between two joins the worker is left in peace for 1 to 4 s. The times are drawn from
fixed seeds.";

/// Measures with the Docker API and with DNS alone.
///
/// # Errors
///
/// When a member is not joined at all.
pub async fn measure(program: &Path) -> Result<Section> {
    let mut figures = Vec::new();
    let mut table = vec![
        ["", "joins", "p50", "p90", "p99", "max"]
            .map(String::from)
            .to_vec(),
    ];
    for (name, with_engine, target) in [("Docker API", true, 100.0), ("DNS alone", false, 400.0)] {
        let sorted = sample(program, with_engine).await?;
        let at = |percent| percentile(&sorted, percent);
        figures.push(Figure::millis(
            format!("join after the port answers, {name}, p50"),
            at(50),
            target,
        ));
        figures.push(Figure::millis(
            format!("the same, {name}, p99"),
            at(99),
            1000.0,
        ));
        let mut row = vec![name.to_owned(), sorted.len().to_string()];
        row.extend([50, 90, 99, 100].map(|percent| format!("{} ms", short(millis(at(percent))))));
        eprintln!("  {}", row.join(", "));
        table.push(row);
    }
    Ok(Section {
        title: "Joins",
        only: "joins",
        how: HOW.into(),
        figures,
        table,
    })
}

async fn sample(program: &Path, with_engine: bool) -> Result<Vec<Duration>> {
    let first = if with_engine { 20 } else { 21 };
    let lanes = (0..LANES).map(|lane| async move {
        let lane = Lane::start(program, [first, lane], with_engine).await?;
        lane.grow(JOINS).await
    });
    let times: Vec<Vec<Duration>> = try_join_all(lanes).await?;
    let mut sorted: Vec<Duration> = times.into_iter().flatten().collect();
    sorted.sort_unstable();
    Ok(sorted)
}
