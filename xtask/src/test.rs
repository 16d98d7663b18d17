//! `cargo xtask test`: everything that must pass, in the order in which it fails fastest.

use std::process::Command;

use anyhow::Result;
use clap::Args;
use meshworker_lab::images::Image;
use meshworker_lab::{E2E_VARIABLE, Host, sweep};

use crate::stage::Stages;
use crate::{images, promtool, schemathesis, workspace};

/// The packages whose tests may start labs, and which of their tests.
const END_TO_END: [[&str; 4]; 2] = [
    ["-p", "meshworker-lab", "--test", "smoke"],
    ["-p", "meshworker-e2e", "--tests", "--quiet"],
];

/// How many random acts the data stories take here, unless the environment says
/// otherwise: each takes about half a minute. By hand they are forty.
const ACTS: (&str, &str) = ("MESHWORKER_ACTS", "8");

/// What to leave out.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// Leave out what needs root and a lab
    #[arg(long)]
    no_e2e: bool,
}

/// Runs the stages until one fails, and always sums up and cleans up.
pub fn run(args: &TestArgs) -> Result<()> {
    let mut stages = Stages::default();
    let result = run_stages(&mut stages, args);
    // What a test program could not remove because it was killed.
    for lab in sweep()? {
        eprintln!("removed a lab that a test left behind: {}", lab.display());
    }
    stages.print_summary();
    result
}

fn run_stages(stages: &mut Stages, args: &TestArgs) -> Result<()> {
    if !args.no_e2e {
        stages.step("prepare", |_| Ok(Host::prepare_for_tests()?))?;
    }
    stages.command("fmt", &mut cargo(&["fmt", "--all", "--", "--check"]))?;
    let clippy = [
        "clippy",
        "--quiet",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ];
    stages.command("clippy", &mut cargo(&clippy))?;
    let mut doc = cargo(&["doc", "--quiet", "--workspace", "--no-deps"]);
    stages.command("doc", doc.env("RUSTDOCFLAGS", "-D warnings"))?;
    if has_nextest() {
        let unit = [
            "nextest",
            "run",
            "--workspace",
            "--status-level=fail",
            "--no-tests=pass",
        ];
        stages.command("unit", &mut cargo(&unit))?;
        // The one kind of test that nextest does not run.
        stages.command(
            "examples",
            &mut cargo(&["test", "--quiet", "--workspace", "--doc"]),
        )?;
    } else {
        stages.command("unit", &mut cargo(&["test", "--quiet", "--workspace"]))?;
    }
    let tool = stages.step("tools", |_| schemathesis::installed())?;
    let conformance = [
        "test",
        "--quiet",
        "-p",
        "meshworker",
        "--test",
        "api",
        "conformance",
        "--",
        "--nocapture",
    ];
    stages.command("api", cargo(&conformance).env(schemathesis::VARIABLE, tool))?;
    if args.no_e2e {
        return Ok(());
    }
    promtool::run_stages(stages)?;
    stages.step("images", |_| images::build(&Image::ALL).map(drop))?;
    for package in END_TO_END {
        let mut command = cargo(&["test"]);
        command.args(package).env(E2E_VARIABLE, "1");
        if std::env::var_os(ACTS.0).is_none() {
            command.env(ACTS.0, ACTS.1);
        }
        stages.command(package[1].trim_start_matches("meshworker-"), &mut command)?;
    }
    Ok(())
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = workspace::cargo();
    command.args(arguments);
    // Unit tests must not start labs just because somebody's shell allows it.
    command.env_remove(E2E_VARIABLE);
    command
}

fn has_nextest() -> bool {
    cargo(&["nextest", "--version"])
        .output()
        .is_ok_and(|output| output.status.success())
}
