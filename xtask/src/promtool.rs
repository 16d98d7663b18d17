//! promtool's word on `docs/prometheus`: the alert rules, their unit tests, and a page as a scrape gets it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::stage::Stages;
use crate::workspace;

/// What promtool is asked, and the file that it reads from its standard input.
const CHECKS: [(&str, &[&str], Option<&str>); 3] = [
    ("alert rules", &["check", "rules", "alerts.yml"], None),
    ("alert tests", &["test", "rules", "alerts_test.yml"], None),
    // Unit tests hold the example against what the worker answers.
    ("scrape", &["check", "metrics"], Some("example.txt")),
];

/// Runs all checks.
pub fn run() -> Result<()> {
    let mut stages = Stages::default();
    let result = run_stages(&mut stages);
    stages.print_summary();
    result
}

/// The same, as steps of a longer chore.
pub fn run_stages(stages: &mut Stages) -> Result<()> {
    let program = stages.step("promtool", |_| promtool())?;
    let folder = workspace::root().join("docs/prometheus");
    for (name, arguments, input) in CHECKS {
        let mut command = Command::new(&program);
        command.args(arguments).current_dir(&folder);
        if let Some(input) = input {
            let file = folder.join(input);
            command.stdin(File::open(&file).with_context(|| file.display().to_string())?);
        }
        stages.command(name, &mut command)?;
    }
    Ok(())
}

/// Where promtool is: on `PATH`, or unpacked from Debian's package `prometheus`, which is not installed, so that no
/// service starts.
fn promtool() -> Result<PathBuf> {
    let there = |program: &Path| Command::new(program).arg("--version").output();
    let works = |program: &Path| there(program).is_ok_and(|output| output.status.success());
    let folder = workspace::root().join("target/tools/prometheus");
    let unpacked = folder.join("usr/bin/promtool");
    for program in [PathBuf::from("promtool"), unpacked.clone()] {
        if works(&program) {
            return Ok(program);
        }
    }
    eprintln!("promtool is missing: unpacking Debian's package prometheus");
    std::fs::create_dir_all(&folder)?;
    if download(&folder).is_err() {
        // A machine that was never asked for a package has no list of them.
        succeed(Command::new("apt-get").args(["-qq", "update"]))?;
        download(&folder)?;
    }
    let package = std::fs::read_dir(&folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|end| end == "deb"))
        .context("apt-get download left no package")?;
    let mut unpack = Command::new("dpkg-deb");
    succeed(unpack.arg("-x").arg(&package).arg(&folder))?;
    std::fs::remove_file(package)?;
    if !works(&unpacked) {
        bail!("{} does not start", unpacked.display());
    }
    Ok(unpacked)
}

fn download(folder: &Path) -> Result<()> {
    let mut command = Command::new("apt-get");
    succeed(
        command
            .args(["-qq", "download", "prometheus"])
            .current_dir(folder),
    )
}

fn succeed(command: &mut Command) -> Result<()> {
    let advice = "allowed: Debian or a relative, or promtool on PATH";
    let status = command
        .status()
        .with_context(|| format!("cannot start {:?}; {advice}", command.get_program()))?;
    if !status.success() {
        bail!("{command:?} failed ({status}); {advice}");
    }
    Ok(())
}
