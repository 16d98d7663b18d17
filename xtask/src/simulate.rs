//! `cargo xtask simulate`: the whole decide loop against a model of the world, and workers in consensus against
//! another one.

use std::process::Command;

use anyhow::{Result, bail};
use clap::Args;

use crate::workspace;

/// Every database, and the workers.
const ALL: &str = "all";

/// The workers themselves, in consensus.
const WORKERS: &str = "workers";

/// One story of workers takes as long as so many of a database.
const AS_MANY: u64 = 10;

/// Which stories to play.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// Which database: aerospike, allegrograph, redis, workers for the workers themselves, or all of them one after another
    #[arg(long, default_value = ALL, value_parser = ["aerospike", "allegrograph", "redis", WORKERS, ALL])]
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
    let SimulateArgs {
        database,
        seed,
        runs,
    } = args;
    let databases = (database != WORKERS).then(|| databases(database, *seed, *runs));
    let workers = (database == WORKERS || database == ALL).then(|| workers(*seed, *runs));
    for mut command in databases.into_iter().chain(workers) {
        let status = command.status()?;
        if !status.success() {
            bail!("the simulation failed ({status})");
        }
    }
    Ok(())
}

/// A command that plays so many stories of every database, and one that plays fewer of workers.
pub fn every(runs: u64) -> [(&'static str, Command); 2] {
    [
        ("simulation", databases(ALL, 1, runs)),
        ("simulation of workers", workers(1, runs / AS_MANY)),
    ]
}

fn databases(database: &str, seed: u64, runs: u64) -> Command {
    let mut command = compiled("meshworker-simulation");
    command.arg(database);
    command.args([seed, runs].map(|number| number.to_string()));
    command
}

fn workers(seed: u64, runs: u64) -> Command {
    let mut command = compiled("meshworker-consensus");
    command.args([seed, runs].map(|number| number.to_string()));
    command
}

/// This program, compiled to be fast.
fn compiled(program: &str) -> Command {
    let mut command = workspace::cargo();
    command.args(["run", "--quiet", "--profile", "simulation"]);
    command.args(["-p", program, "--"]);
    command
}
