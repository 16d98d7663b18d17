//! `cargo xtask lint`: what is not about this project's own code: licences and sources of its dependencies, unused
//! ones, and spelling.

use std::io::{Write, stderr, stdout};
use std::process::{Command, Output};

use anyhow::{Context, Result, bail};

use crate::stage::Stages;
use crate::tools::{self, Tool};
use crate::workspace;

/// A tool, what it is told, and the codes with which it exits when it has found something. Any other is a failure of its
/// own.
struct Check {
    tool: Tool,
    arguments: &'static [&'static str],
    found: &'static [i32],
}

const CHECKS: [Check; 3] = [
    Check {
        tool: tools::DENY,
        // Advisories need a database that is fetched from elsewhere; `cargo deny check` by hand has them.
        arguments: &[
            "--workspace",
            "--locked",
            "--config=xtask/deny.toml",
            "check",
            "bans",
            "licenses",
            "sources",
        ],
        // One bit for each kind of check: bans, licences, sources.
        found: &[2, 4, 6, 8, 10, 12, 14],
    },
    Check {
        tool: tools::MACHETE,
        arguments: &[],
        found: &[1],
    },
    Check {
        tool: tools::TYPOS,
        arguments: &["--config=xtask/typos.toml"],
        found: &[2],
    },
];

/// Runs all tools.
pub fn run() -> Result<()> {
    let mut stages = Stages::default();
    let result = run_stages(&mut stages);
    stages.print_summary();
    result
}

/// The same, as steps of a longer chore: all of them, and then it fails if one of them did.
pub fn run_stages(stages: &mut Stages) -> Result<()> {
    let mut failed = Vec::new();
    for check in &CHECKS {
        if let Err(error) = stages.step(check.tool.name, |_| check.run()) {
            eprintln!("error: {error:#}");
            failed.push(check.tool.name);
        }
    }
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

impl Check {
    fn run(&self) -> Result<()> {
        let mut command = Command::new(self.tool.installed()?);
        let output = command
            .args(self.arguments)
            .current_dir(workspace::root())
            .output()
            .with_context(|| format!("cannot start {}", self.tool))?;
        stdout().write_all(&output.stdout)?;
        stderr().write_all(&output.stderr)?;
        self.judge(&output)
    }

    fn judge(&self, output: &Output) -> Result<()> {
        let (tool, status) = (&self.tool, output.status);
        match status.code() {
            Some(0) => Ok(()),
            Some(code) if self.found.contains(&code) => bail!("{tool} found what is above"),
            _ => {
                bail!("{tool} failed by itself ({status}), which says nothing about what it checks")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of a tool that ends like this; nothing where all is well.
    fn judged(script: &str) -> String {
        let output = Command::new("sh").args(["-c", script]).output().unwrap();
        let check = Check {
            tool: tools::TYPOS,
            arguments: &[],
            found: &[2],
        };
        let error = check.judge(&output).err();
        error.map_or(String::new(), |error| error.to_string())
    }

    #[test]
    fn findings_are_not_mistaken_for_a_failure_of_the_tool() {
        assert_eq!(judged("exit 0"), "");
        assert!(judged("exit 2").contains("found"));
        for trouble in ["exit 101", "kill -9 $$"] {
            let error = judged(trouble);
            assert!(error.contains("failed by itself"), "{error}");
        }
    }
}
