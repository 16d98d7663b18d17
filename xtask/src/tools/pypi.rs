//! Tools from PyPI, each in a Python environment of its own. The lock file has the hashes of every package's files; pip
//! installs those and no others, and only wheels: whatever builds from source fetches what nobody has locked.
//!
//! A lock file is made anew from the wishes beside it, in `xtask/tools`, by `uv pip compile --python-version 3.11
//! --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links NAME.in -o NAME.txt`. It names
//! no registry: each machine has its own.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::{debian, run};

/// Installs what a lock file has into `partial`, which will be `folder`.
pub fn install(lock: &Path, partial: &Path, folder: &Path) -> Result<()> {
    debian::require("Python's venv", "python3-venv", has_environments)?;
    let mut make = Command::new("python3");
    run::quietly(make.args(["-m", "venv"]).arg(partial))?;
    let mut install = Command::new(partial.join("bin/python"));
    install
        .args(["-m", "pip", "install", "--quiet"])
        .arg("--disable-pip-version-check")
        .args(["--require-hashes", "--no-deps", "--only-binary", ":all:"])
        .arg("--requirement")
        .arg(lock);
    run::quietly(&mut install)?;
    move_scripts(partial, folder)
}

/// Scripts name their environment's Python by its path, which will be another.
fn move_scripts(partial: &Path, folder: &Path) -> Result<()> {
    let utf8 = |path: &Path| path.to_str().map(str::to_owned).context("not UTF-8");
    let (before, after) = (utf8(partial)?, utf8(folder)?);
    for entry in std::fs::read_dir(partial.join("bin"))? {
        let script = entry?.path();
        // What is no text is no script.
        if let Ok(text) = std::fs::read_to_string(&script) {
            std::fs::write(&script, text.replace(&before, &after))?;
        }
    }
    Ok(())
}

fn has_environments() -> bool {
    let mut python = Command::new("python3");
    let output = python.args(["-c", "import ensurepip, venv"]).output();
    output.is_ok_and(|output| output.status.success())
}
