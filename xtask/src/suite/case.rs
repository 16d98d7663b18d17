//! One test.

use std::process::Command;

use super::Program;

/// Which tests run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// Those that every change must pass.
    Gate,
    /// Those too that take long: for nights and releases.
    All,
}

/// One test of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Where it is.
    pub program: Program,
    /// What the program calls it.
    pub name: String,
    /// Whether it is of the long tier: marked `#[ignore]`.
    pub is_long: bool,
    /// Whether no other test may run beside it.
    pub is_alone: bool,
}

impl Case {
    /// What it is called in reports.
    pub fn title(&self) -> String {
        format!("{} {}", self.program.name(), self.name)
    }

    /// Whether it runs in this tier.
    pub fn is_in(&self, tier: Tier) -> bool {
        tier == Tier::All || !self.is_long
    }

    /// A command that runs this test alone.
    pub fn command(&self) -> Command {
        let mut command = self.program.command();
        command
            .args(["--exact", &self.name, "--include-ignored", "--nocapture"])
            .arg("--test-threads=1");
        command
    }
}
