//! `cargo xtask simulate`: the whole decide loop against a model of the world.

use std::time::Instant;

use anyhow::{Result, bail};
use clap::Args;
use meshworker_simulation::run_many;

/// Which stories to play.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// The first seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many seeds, counted up from the first
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    runs: u64,
}

/// Plays the stories on all cores, and tells the first that fails.
///
/// # Errors
///
/// The promise that was broken, with its seed and its story.
pub fn run(args: &SimulateArgs) -> Result<()> {
    let began = Instant::now();
    let summary = run_many(args.seed, args.runs);
    println!("{summary}, in {:.1} s", began.elapsed().as_secs_f64());
    match summary.failure {
        Some(failure) => bail!("{failure}"),
        None => Ok(()),
    }
}
