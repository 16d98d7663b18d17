//! The command line.

use clap::{Parser, Subcommand};

use crate::{bench, demo, images, lab, lint, screenshots, simulate, test};

/// The project's chores.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Show it at work: form a cluster on a swarm, scale it, hurt it, and read the data back
    Demo(demo::DemoArgs),
    /// Everything that must pass: format, clippy, documentation, unit tests, end-to-end tests
    Test(test::TestArgs),
    /// Dependencies and spelling: cargo-deny, cargo-machete, typos
    Lint,
    /// Play simulated stories, each of its own seed, and check every promise
    Simulate(simulate::SimulateArgs),
    /// Build the images
    Images(images::ImagesArgs),
    /// A swarm of several nodes on this machine, by hand
    Lab(lab::LabArgs),
    /// Take the pictures of the dashboard in docs/images
    Screenshots,
    /// Measure time, memory and requests, and write docs/benchmarks.md
    Bench(bench::BenchArgs),
}

impl Cli {
    /// Does the chore.
    pub fn run(self) -> anyhow::Result<()> {
        match self.chore {
            Chore::Demo(args) => demo::run(&args),
            Chore::Test(args) => test::run(&args),
            Chore::Lint => lint::run(),
            Chore::Simulate(args) => simulate::run(&args),
            Chore::Images(args) => images::run(&args),
            Chore::Lab(args) => lab::run(&args),
            Chore::Screenshots => screenshots::run(),
            Chore::Bench(args) => bench::run(&args),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
