//! `cargo xtask simulate`: the whole decide loop against a model of the world.

use std::process::Command;

use anyhow::{Result, bail};
use clap::Args;

use crate::workspace;

/// Every database.
const ALL: &str = "all";

/// Which stories to play.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// Which database: aerospike, redis, or all of them one after another
    #[arg(long, default_value = ALL, value_parser = ["aerospike", "redis", ALL])]
    database: String,
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
/// A promise was broken: its seed and its story are on standard error.
pub fn run(args: &SimulateArgs) -> Result<()> {
    let status = command(&args.database, args.seed, args.runs).status()?;
    if !status.success() {
        bail!("the simulation failed ({status})");
    }
    Ok(())
}

/// A command that plays so many stories of every database, compiled to be fast.
pub fn every(runs: u64) -> Command {
    command(ALL, 1, runs)
}

fn command(database: &str, seed: u64, runs: u64) -> Command {
    let mut command = workspace::cargo();
    command.args(["run", "--quiet", "--profile", "simulation"]);
    command.args(["-p", "meshworker-simulation", "--"]);
    command.arg(database);
    command.args([seed, runs].map(|number| number.to_string()));
    command
}
