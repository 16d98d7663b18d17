//! Tools from crates.io, built here. `--locked` takes the versions of all dependencies from the lock file that the
//! package was published with; cargo checks every one by the registry's hashes.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::{Tool, run};
use crate::workspace;

/// What takes them long all the same: making their many patterns ready.
const SEARCHERS: [&str; 2] = ["regex-automata", "regex-syntax"];

/// Builds a tool and puts it into the folder.
pub fn install(tool: &Tool, flags: &[&str], folder: &Path) -> Result<()> {
    eprintln!("  which is built from source: this takes some minutes");
    let mut install = workspace::cargo();
    install
        .args(["install", "--quiet", "--locked"])
        .args([tool.name, "--version", tool.version])
        .args(flags)
        .arg("--root")
        .arg(folder)
        // What several tools depend on is built once.
        .arg("--target-dir")
        .arg(super::installed().join("build"))
        // They read some hundred files, which takes no time either way; and so they are built sooner.
        .arg("--debug")
        .env("CARGO_PROFILE_DEV_DEBUG", "0");
    for package in SEARCHERS {
        let setting = format!("profile.dev.package.{package}.opt-level=1");
        install.args(["--config", &setting]);
    }
    run::quietly(&mut install)
}

/// Whether `PATH` has the program in this very version.
pub fn is_exactly(program: &OsStr, version: &str) -> bool {
    let output = Command::new(program).arg("--version").output();
    output.is_ok_and(|output| says(&String::from_utf8_lossy(&output.stdout), version))
}

/// Such as `mdbook v0.5.4`.
fn says(text: &str, version: &str) -> bool {
    text.split_whitespace()
        .any(|word| word.trim_start_matches('v') == version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_very_version_will_do() {
        assert!(says("mdbook v0.5.4\n", "0.5.4"));
        assert!(says("0.9.2\n", "0.9.2"));
        assert!(!says("mdbook v0.5.40\n", "0.5.4"));
        assert!(!says("cargo-deny 0.20.1\n", "0.20.2"));
        assert!(!is_exactly(OsStr::new("no-such-program"), "1.0.0"));
    }
}
