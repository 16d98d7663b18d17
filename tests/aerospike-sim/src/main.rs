//! The binary: see [`aerospike_sim::cli`].

use std::io::{IsTerminal, stderr};
use std::process::ExitCode;

use aerospike_sim::cli::Cli;
use clap::Parser;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(stderr().is_terminal())
        .with_writer(stderr)
        .init();
    Cli::parse().run()
}
