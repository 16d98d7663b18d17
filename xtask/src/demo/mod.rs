//! `cargo xtask demo`: a cluster forms, grows, shrinks and is hurt, while one watches.

mod aerospike;
mod driver;
mod ground;
mod play;
mod redis;
mod status;

use std::time::Instant;

use anyhow::Result;
use clap::{Args, ValueEnum};
use meshworker_lab::{Engines, Stack, images};

use crate::workspace;
use aerospike::Aerospike;
use driver::Driver;
use ground::Ground;
use play::Play;
use redis::Redis;

/// The stack's name.
const STACK: &str = "demo";

/// What to show, and where.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Which database
    #[arg(value_enum, default_value_t = Engine::Redis)]
    engine: Engine,
    /// On the swarm of the engine at this address, which must be a manager's, instead of on a lab
    #[arg(long, value_name = "URL", conflicts_with = "here")]
    engine_host: Option<String>,
    /// On the swarm that `docker` uses here, instead of on a lab
    #[arg(long)]
    here: bool,
    /// Leave it running, and tell how to look around
    #[arg(long)]
    keep: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Engine {
    /// Redis Cluster
    Redis,
    /// The simulated Aerospike server
    Aerospike,
}

/// Shows it.
pub fn run(args: &DemoArgs) -> Result<()> {
    let driver: &dyn Driver = match args.engine {
        Engine::Redis => &Redis,
        Engine::Aerospike => &Aerospike,
    };
    let start = Instant::now();
    let ground = Ground::prepare(args)?;
    let files: Vec<_> = driver
        .files()
        .iter()
        .map(|file| workspace::root().join(file))
        .collect();
    let version = images::version(&ground.manager()?)?;
    let mut environment = driver.environment();
    environment.push(("MESHWORKER_VERSION", &version));
    let stack = Stack::deploy(&ground, STACK, &files, &environment)?;
    let played = Play::new(driver, &stack).run();
    if played.is_err() {
        // Before it goes away: what the worker had to say.
        let logs = stack.logs("meshworker").unwrap_or_default();
        eprintln!("the worker's last lines:");
        for line in logs.lines().rev().take(20).collect::<Vec<_>>().iter().rev() {
            eprintln!("  {line}");
        }
    }
    if args.keep {
        ground.tell_how_to_look_around(driver)?;
    } else {
        ground.clean_up()?;
    }
    played?;
    println!("\nall of it took {:.0} s", start.elapsed().as_secs_f32());
    Ok(())
}
