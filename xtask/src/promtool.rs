//! promtool's word on `docs/prometheus`: the alert rules, their unit tests, and a page as a scrape gets it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::stage::Stages;
use crate::{tools, workspace};

/// What it exits with when it has found something.
const FOUND: [i32; 2] = [1, 3];

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
    let program = stages.step("promtool", |_| fetch())?;
    check(stages, &program)
}

/// The program, which is fetched where it is missing. It needs nothing that is built here, so that this may be done
/// beside other steps.
pub fn fetch() -> Result<PathBuf> {
    tools::PROMTOOL.installed()
}

/// Asks the program all questions, as steps of a longer chore: all of them, and then it fails if one of them did.
pub fn check(stages: &mut Stages, program: &Path) -> Result<()> {
    let folder = workspace::root().join("docs/prometheus");
    let results = CHECKS.map(|(name, arguments, input)| {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&folder);
        if let Some(input) = input {
            let file = folder.join(input);
            command.stdin(File::open(&file).with_context(|| file.display().to_string())?);
        }
        stages.tool(name, &mut command, &FOUND)
    });
    results.into_iter().collect()
}
