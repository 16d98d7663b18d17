//! `cargo xtask lint`: what is not about this project's own code: licences and sources of its dependencies, unused
//! ones, and spelling.

use std::process::Command;

use anyhow::Result;

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
    let results: Vec<Result<()>> = CHECKS.iter().map(|check| check.run(stages)).collect();
    results.into_iter().collect()
}

impl Check {
    fn run(&self, stages: &mut Stages) -> Result<()> {
        let name = self.tool.name;
        let program = stages.step(&format!("fetch {name}"), |_| self.tool.installed())?;
        let mut command = Command::new(program);
        command.args(self.arguments).current_dir(workspace::root());
        stages.tool(name, &mut command, self.found)
    }
}
