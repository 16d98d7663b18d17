//! schemathesis, which holds the API against its document: from PyPI, in a
//! Python environment of its own under `target`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::workspace;

/// Tells the tests of the API where the program is.
pub const VARIABLE: &str = "MESHWORKER_SCHEMATHESIS";

/// The version that the tests' settings are written for.
const PACKAGE: &str = "schemathesis==4.32.5";

/// The program; it is installed where it is missing.
///
/// # Errors
///
/// When Python has no environments, or PyPI cannot be reached.
pub fn installed() -> Result<PathBuf> {
    let place = workspace::root().join("target/tools").join(PACKAGE);
    let program = place.join("bin/schemathesis");
    if !program.exists() {
        if std::fs::exists("/usr/bin/apt-get")? && !has_environments() {
            // As root on Debian; elsewhere the next command says what is missing.
            let _ = Command::new("apt-get")
                .args(["install", "-y", "-qq", "python3-venv"])
                .status();
        }
        run(Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&place))?;
        let mut install = Command::new(place.join("bin/pip"));
        run(install.args(["install", "--quiet", PACKAGE]))?;
    }
    Ok(program)
}

fn has_environments() -> bool {
    let mut python = Command::new("python3");
    python
        .args(["-c", "import ensurepip, venv"])
        .output()
        .is_ok_and(|output| output.status.success())
}

fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start {:?}", command.get_program()))?;
    if !status.success() {
        bail!("{command:?} failed ({status})");
    }
    Ok(())
}
