//! `cargo xtask lint`: what is not about this project's own code: licences and sources of its dependencies, unused
//! ones, and spelling.

use std::process::Command;

use anyhow::{Result, bail};

use crate::stage::Stages;
use crate::workspace;

/// A tool: the package that has it, its cargo subcommand or program, and its arguments.
struct Tool {
    package: &'static str,
    command: &'static [&'static str],
}

const TOOLS: [Tool; 3] = [
    Tool {
        package: "cargo-deny",
        // Advisories need a database that is fetched from elsewhere; `cargo deny check` by hand has them.
        command: &[
            "cargo",
            "deny",
            "--workspace",
            "--config",
            "xtask/deny.toml",
            "check",
            "bans",
            "licenses",
            "sources",
        ],
    },
    Tool {
        package: "cargo-machete",
        command: &["cargo", "machete"],
    },
    Tool {
        package: "typos-cli",
        command: &["typos", "--config", "xtask/typos.toml"],
    },
];

/// Runs all tools, and then fails if one of them did.
pub fn run() -> Result<()> {
    let mut stages = Stages::default();
    let mut failed = Vec::new();
    for tool in &TOOLS {
        if tool.ensure(&mut stages).is_err() || tool.run(&mut stages).is_err() {
            failed.push(tool.package);
        }
    }
    stages.print_summary();
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

impl Tool {
    fn program(&self) -> Command {
        match self.command {
            ["cargo", subcommand, ..] => {
                let mut command = workspace::cargo();
                command.arg(subcommand);
                command
            }
            [program, ..] => {
                let mut command = Command::new(program);
                command.current_dir(workspace::root());
                command
            }
            [] => Command::new("false"),
        }
    }

    /// Installs the tool if it is missing.
    fn ensure(&self, stages: &mut Stages) -> Result<()> {
        let version = self.program().arg("--version").output();
        if version.is_ok_and(|output| output.status.success()) {
            return Ok(());
        }
        eprintln!("{} is missing: installing it with cargo", self.package);
        let mut install = workspace::cargo();
        install.args(["install", "--quiet", "--locked", self.package]);
        stages.command(&format!("install {}", self.package), &mut install)
    }

    fn run(&self, stages: &mut Stages) -> Result<()> {
        let named = if self.command.first() == Some(&"cargo") {
            2
        } else {
            1
        };
        let mut command = self.program();
        command.args(self.command.iter().skip(named));
        stages.command(self.package, &mut command)
    }
}
