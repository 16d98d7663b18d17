//! The project's chores: demo, test, lint, docs, promtool, simulate, fuzz, images, sbom, lab, screenshots, bench.
#![allow(
    clippy::disallowed_types,
    reason = "chores run other programs and tell how long they took"
)]

mod bench;
mod cli;
mod demo;
mod docs;
mod fuzz;
mod images;
mod lab;
mod lint;
mod promtool;
mod sbom;
mod screenshots;
mod simulate;
mod stage;
mod suite;
mod test;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match cli::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
