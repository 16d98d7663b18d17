//! The command line.

use clap::{Parser, Subcommand};

use crate::{
    bench, demo, docs, fuzz, images, lab, lint, promtool, sbom, screenshots, simulate, test,
};

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
    /// What every change must pass: format, lints, tests, stories on a real swarm, alert rules; with `--all`, everything
    Test(test::TestArgs),
    /// Licences and sources of dependencies, unused ones, and spelling: cargo-deny, cargo-machete, typos
    Lint,
    /// Write the tables of options, check all pages, and build the book into target/book
    Docs,
    /// Alert rules, their tests and an example of a scrape: promtool
    Promtool,
    /// Play simulated stories, each of its own seed, and check every promise
    Simulate(simulate::SimulateArgs),
    /// Try every parser of bytes from outside with many inputs: libFuzzer
    Fuzz(fuzz::FuzzArgs),
    /// Build the images
    Images(images::ImagesArgs),
    /// What the released program is made of: a bill of materials, CycloneDX
    Sbom,
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
            Chore::Docs => docs::run(),
            Chore::Promtool => promtool::run(),
            Chore::Simulate(args) => simulate::run(&args),
            Chore::Fuzz(args) => fuzz::run(&args),
            Chore::Images(args) => images::run(&args),
            Chore::Sbom => sbom::run(),
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
    use crate::workspace;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    /// Every Markdown file that readers find.
    fn pages() -> Vec<std::path::PathBuf> {
        let root = workspace::root();
        let folders = [root.clone(), root.join("docs"), root.join("secrets")];
        let files = folders
            .into_iter()
            .flat_map(|f| std::fs::read_dir(f).unwrap());
        let files = files.map(|file| file.unwrap().path());
        files
            .filter(|file| file.extension().is_some_and(|ending| ending == "md"))
            .collect()
    }

    #[test]
    fn every_chore_that_a_page_names_exists() {
        let mut named = 0;
        for page in pages() {
            let text = std::fs::read_to_string(&page).unwrap();
            for found in text.split("cargo xtask ").skip(1) {
                // Of a list such as `cargo xtask demo | test`, the first.
                let line = found.split(['`', '\n', '|', '#', ',']).next().unwrap();
                let words: Vec<&str> = line.split_whitespace().collect();
                let call = ["cargo xtask"].iter().chain(&words);
                let parsed = Cli::command().try_get_matches_from(call);
                let error = parsed.map(|_| ()).map_err(|error| error.to_string());
                assert_eq!(error, Ok(()), "{}: cargo xtask {line}", page.display());
                named += 1;
            }
        }
        assert!(named > 5, "only {named} were found");
    }
}
