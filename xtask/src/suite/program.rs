//! A program with tests in it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use meshworker_lab::{ALONE, E2E_VARIABLE};

use super::Case;

/// Where one of these is set, tests write anew what they are to hold against the program.
const UPDATES: [&str; 3] = [
    "MESHWORKER_UPDATE_DOCS",
    "MESHWORKER_UPDATE_README",
    "MESHWORKER_UPDATE_WALK",
];

/// A test program, as cargo has built it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The package whose tests these are.
    pub package: String,
    /// The target's name within it, such as `api`.
    pub target: String,
    /// Where it is.
    pub executable: PathBuf,
    /// Where its package is: tests run there.
    pub folder: PathBuf,
}

impl Program {
    /// What it is called: `PACKAGE::TARGET`, in short.
    pub fn name(&self) -> String {
        let package = self.package.trim_start_matches("meshworker-");
        match self.is_unit() {
            true => package.to_owned(),
            false => format!("{package}::{}", self.target),
        }
    }

    /// Whether these are the tests within a package's own code, which start nothing and take no time.
    pub fn is_unit(&self) -> bool {
        self.target.replace('_', "-") == self.package
    }

    /// A command that runs it, in the place and with the variables that cargo would give it.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.executable);
        command
            .current_dir(&self.folder)
            .env("CARGO_MANIFEST_DIR", &self.folder)
            .env("CARGO_PKG_NAME", &self.package);
        for update in UPDATES {
            command.env_remove(update);
        }
        command
    }

    /// Its tests, in the program's own order.
    ///
    /// # Errors
    ///
    /// It cannot be started, does not list them as libtest does, or has none though it is a program of tests.
    pub fn cases(&self) -> Result<Vec<Case>> {
        let long: BTreeSet<String> = self.list(&["--ignored"])?.into_iter().collect();
        let lines = self.list(&[])?;
        if lines.is_empty() && !self.is_unit() {
            bail!(
                "{} lists no tests, and is there for nothing else",
                self.name()
            );
        }
        let cases = lines.iter().map(|line| {
            let (kind, name) = kind_and_name(line);
            Case {
                program: self.clone(),
                name: name.to_owned(),
                is_long: long.contains(line),
                is_alone: kind == Some(ALONE),
            }
        });
        Ok(cases.collect())
    }

    fn list(&self, more: &[&str]) -> Result<Vec<String>> {
        let mut command = self.command();
        command.args(["--list", "--format", "terse"]).args(more);
        // What may not run is listed as a test of the long tier.
        let output = command.env(E2E_VARIABLE, "1").output();
        let output = output.with_context(|| format!("cannot start {}", self.name()))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            bail!(
                "{} does not list its tests ({}): {said}",
                self.name(),
                output.status
            );
        }
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let tests = text.lines().filter_map(|line| line.strip_suffix(": test"));
        Ok(tests.map(str::to_owned).collect())
    }
}

/// libtest-mimic lists a test that has a kind as `[kind] name`.
fn kind_and_name(line: &str) -> (Option<&str>, &str) {
    let parts = line
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("] "));
    match parts {
        Some((kind, name)) => (Some(kind), name),
        None => (None, line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_told_from_a_name() {
        assert_eq!(
            kind_and_name("[alone] both::crashes"),
            (Some("alone"), "both::crashes")
        );
        assert_eq!(kind_and_name("a::b"), (None, "a::b"));
        assert_eq!(kind_and_name("[a"), (None, "[a"));
    }

    #[test]
    fn a_program_that_cannot_list_its_tests_is_named() {
        let program = Program {
            package: "meshworker-none".into(),
            target: "api".into(),
            executable: "/bin/false".into(),
            folder: "/".into(),
        };
        let error = program.cases().unwrap_err().to_string();
        assert!(error.starts_with("none::api does not list"), "{error}");
    }
}
