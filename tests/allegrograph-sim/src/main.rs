//! The binary: see the library.

use std::process::ExitCode;

use allegrograph_sim::Options;
use clap::Parser;

fn main() -> ExitCode {
    match allegrograph_sim::run(Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("allegrograph-sim: {why:#}");
            ExitCode::FAILURE
        }
    }
}
