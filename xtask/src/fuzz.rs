//! `cargo xtask fuzz`: every parser of bytes from outside under libFuzzer.
//!
//! libFuzzer sees which branches an input takes, by the compiler's own instrumentation, which stable Rust has too
//! (`-Cpasses=sancov-module`, as cargo-fuzz builds without a sanitizer). None is needed: there is no unsafe code here.
//! It is compiled from C++, and so needs `g++`.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::workspace;

/// What the compiler writes into each branch. Not linked statically, as the images are:
/// libFuzzer asks the loader for the functions that it watches.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
                     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
                     -Cllvm-args=-sanitizer-coverage-pc-table \
                     -Cllvm-args=-sanitizer-coverage-trace-compares";

/// How many inputs, into which parsers.
#[derive(Debug, Args)]
pub struct FuzzArgs {
    /// Only these, by the names of the folders in tests/fuzz/corpus (default: all)
    #[arg(value_name = "PARSER")]
    only: Vec<String>,
    /// How many inputs each parser is tried with
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    inputs: u64,
    /// How long one parser may be tried, in seconds
    #[arg(long, default_value_t = 3600)]
    seconds: u64,
}

/// What came of one parser.
#[derive(Debug, Default, PartialEq, Eq)]
struct Figures {
    inputs: String,
    branches: String,
    megabytes: String,
}

/// Tries all parsers one after another, with the least priority, and tells what each has taken.
///
/// # Errors
///
/// A parser broke a promise. The input is in `target/fuzz/found`: what mends it keeps it in `tests/fuzz/corpus`.
pub fn run(args: &FuzzArgs) -> Result<()> {
    let program = build()?;
    let parsers = parsers(&args.only)?;
    println!(
        "{:<22} {:>12} {:>9} {:>7}",
        "parser", "inputs", "branches", "MB"
    );
    let mut broken = Vec::new();
    for parser in &parsers {
        let (figures, held) = tried(&program, parser, args)?;
        let Figures {
            inputs,
            branches,
            megabytes,
        } = figures;
        let told = if held { "" } else { "  BROKEN" };
        println!("{parser:<22} {inputs:>12} {branches:>9} {megabytes:>7}{told}");
        if !held {
            broken.push(parser.as_str());
        }
    }
    if !broken.is_empty() {
        bail!(
            "{} broke a promise: the inputs are in {}",
            broken.join(", "),
            found().display()
        );
    }
    Ok(())
}

fn build() -> Result<PathBuf> {
    let folder = workspace::root().join("target/fuzz");
    let mut command = workspace::cargo();
    command
        .args(["build", "--profile", "fuzz", "-p", "meshworker-fuzz"])
        .args([
            "--features",
            "libfuzzer",
            "--bin",
            "meshworker-fuzz",
            "--target-dir",
        ])
        .arg(&folder)
        .env("RUSTFLAGS", FLAGS)
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    if !command.status()?.success() {
        bail!("it cannot be built");
    }
    let mut folders = std::fs::read_dir(&folder)?
        .flatten()
        .map(|entry| entry.path());
    let program = folders.find_map(|target| {
        let program = target.join("fuzz/meshworker-fuzz");
        program.is_file().then_some(program)
    });
    program.context("cargo built no program")
}

/// The names of the parsers: each has a folder of kept inputs.
fn parsers(only: &[String]) -> Result<Vec<String>> {
    let folders = std::fs::read_dir(corpus())?.flatten();
    let mut all: Vec<String> = folders
        .map(|folder| folder.file_name().to_string_lossy().into_owned())
        .collect();
    all.sort();
    if let Some(unknown) = only.iter().find(|name| !all.contains(name)) {
        bail!("PARSER: found '{unknown}'; allowed: {}", all.join(", "));
    }
    if !only.is_empty() {
        all.retain(|name| only.contains(name));
    }
    Ok(all)
}

fn tried(program: &Path, parser: &str, args: &FuzzArgs) -> Result<(Figures, bool)> {
    let grown = workspace::root().join("target/fuzz/corpus").join(parser);
    std::fs::create_dir_all(&grown)?;
    std::fs::create_dir_all(found())?;
    let mut child = Command::new("nice")
        .args(["-n", "19"])
        .arg(program)
        .args([
            format!("-runs={}", args.inputs),
            format!("-max_total_time={}", args.seconds),
        ])
        .args([
            "-max_len=8192",
            "-timeout=10",
            "-rss_limit_mb=1024",
            "-print_final_stats=1",
        ])
        .arg(format!("-artifact_prefix={}/{parser}-", found().display()))
        .arg(&grown)
        .arg(corpus().join(parser))
        .env("MESHWORKER_FUZZ", parser)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| program.display().to_string())?;
    let mut figures = Figures::default();
    let mut last = Vec::new();
    if let Some(said) = child.stderr.take() {
        for line in BufReader::new(said).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            figures.read(&line);
            last.push(line);
            if last.len() > 40 {
                last.remove(0);
            }
        }
    }
    let held = child.wait()?.success();
    if !held {
        eprintln!("{}", last.join("\n"));
    }
    Ok((figures, held))
}

impl Figures {
    /// Takes what libFuzzer says in this line.
    fn read(&mut self, line: &str) {
        let after = |name: &str| {
            let words = line.split(name).nth(1)?;
            words.split_whitespace().next().map(str::to_owned)
        };
        if let Some(branches) = after(" cov: ") {
            self.branches = branches;
        }
        if let Some(inputs) = after("stat::number_of_executed_units:") {
            self.inputs = inputs;
        }
        if let Some(megabytes) = after("stat::peak_rss_mb:") {
            self.megabytes = megabytes;
        }
    }
}

fn corpus() -> PathBuf {
    workspace::root().join("tests/fuzz/corpus")
}

fn found() -> PathBuf {
    workspace::root().join("target/fuzz/found")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_from_what_libfuzzer_says() {
        let mut figures = Figures::default();
        for line in [
            "#1048576\tpulse  cov: 871 ft: 3012 corp: 402/38Kb lim: 8192 exec/s: 52428 rss: 61Mb",
            "stat::number_of_executed_units: 2000000",
            "stat::peak_rss_mb:              61",
        ] {
            figures.read(line);
        }
        let expected = Figures {
            inputs: "2000000".into(),
            branches: "871".into(),
            megabytes: "61".into(),
        };
        assert_eq!(figures, expected);
    }
}
