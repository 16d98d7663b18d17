//! `cargo xtask bench`: measure, and write `docs/benchmarks.md`.

use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;
use meshworker_lab::images::{Finish, Image, prepare, static_binaries};

use crate::workspace;

/// The program under measurement, and the one that measures.
const PACKAGES: [&str; 2] = ["meshworker", "meshworker-bench"];

/// What to measure.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// Measure only this and print it: joins, scale, idle, once or size (default: all, written to docs/benchmarks.md)
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
}

/// Builds what is measured, measures it, and writes the page.
pub fn run(args: &BenchArgs) -> Result<()> {
    let root = workspace::root();
    eprintln!("== build");
    let binaries =
        static_binaries(&root, &PACKAGES, &Finish::Release).context("cannot build the binaries")?;
    let mut command = Command::new(binaries.join("meshworker-bench"));
    command
        .arg("--meshworker")
        .arg(binaries.join("meshworker"))
        .arg("--output")
        .arg(root.join("docs/benchmarks.md"));
    if let Some(only) = &args.only {
        command.args(["--only", only]);
    }
    if args.only.as_deref().is_none_or(|only| only == "size")
        && let Some(size) = image_size()
    {
        command.args(["--image-size", &size.to_string()]);
    }
    let status = command.status().context("cannot start the measurement")?;
    if !status.success() {
        bail!("the measurement failed ({status})");
    }
    Ok(())
}

/// The size of the image in bytes; none where no engine can be started, as the
/// binary's size says nearly the same.
fn image_size() -> Option<u64> {
    let mut size = None;
    let built = prepare(
        &workspace::root(),
        &[Image::Meshworker],
        Finish::Release,
        |built| {
            size = Some(built.size);
        },
    );
    if let Err(error) = built {
        eprintln!("  the image was not built: {error}");
    }
    size
}
