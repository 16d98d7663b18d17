//! Measures the figures that the project holds itself to, and writes them down.
//!
//! The program under measurement is the release binary, as a process of its
//! own. Around it stand simulated Aerospike nodes, a name server and a Docker
//! API that play a swarm on loopback. Figures are told, never judged: a slow
//! machine fails nothing.

mod dice;
mod engine;
mod fake_redis;
mod figure;
mod idle;
mod joins;
mod lane;
mod machine;
mod once;
mod page;
mod rest;
mod scale;
mod silence;
mod size;
mod stage;
mod worker;
mod workers;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};

use figure::Section;
use page::Page;

/// What can be measured alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Bench {
    /// From "the port answers" to "the join is acknowledged"
    Joins,
    /// Requests, time and memory with 3 to 1000 members
    Scale,
    /// Time and requests of 100 to 1000 Redis members at rest
    Rest,
    /// Memory and processor time of three members at rest
    Idle,
    /// `meshworker run --once` on a formed cluster
    Once,
    /// How soon three workers agree on one that acts, and on another one
    Workers,
    /// The image's size
    Size,
}

impl Bench {
    const ALL: [Bench; 7] = [
        Bench::Size,
        Bench::Once,
        Bench::Joins,
        Bench::Scale,
        Bench::Rest,
        Bench::Idle,
        Bench::Workers,
    ];
}

/// Measures the figures of `docs/benchmarks.md`.
#[derive(Debug, Parser)]
#[command(name = "meshworker-bench")]
struct Args {
    /// The program under measurement
    #[arg(long)]
    meshworker: PathBuf,
    /// Measure only this, print it, and write no file
    #[arg(long, value_enum)]
    only: Option<Bench>,
    /// Where to write the page
    #[arg(long)]
    output: PathBuf,
    /// The image's size in bytes, when it was built
    #[arg(long)]
    image_size: Option<u64>,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let mut page = Page::begin()?;
    for bench in Bench::ALL {
        if args.only.is_none_or(|only| only == bench) {
            eprintln!("== {bench:?}");
            page.add(runtime.block_on(measure(bench, args))?);
        }
    }
    let text = page.to_string();
    println!("{text}");
    if args.only.is_none() {
        std::fs::write(&args.output, text)
            .with_context(|| format!("cannot write {}", args.output.display()))?;
    }
    Ok(())
}

async fn measure(bench: Bench, args: &Args) -> Result<Section> {
    let program = &args.meshworker;
    match bench {
        Bench::Joins => joins::measure(program).await,
        Bench::Scale => scale::measure(program).await,
        Bench::Rest => rest::measure(program).await,
        Bench::Idle => idle::measure(program).await,
        Bench::Once => once::measure(program).await,
        Bench::Workers => workers::measure().await,
        Bench::Size => size::measure(program, args.image_size),
    }
}
