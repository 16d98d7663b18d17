//! Tools from npm. The lock file has a hash of every package; `npm ci` installs those and no others.
//!
//! A lock file is made anew in its folder, after a change of the version in `package.json`, by
//! `npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved`. It names no registry: each
//! machine has its own.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::{debian, run};

/// Installs what a lock file has, and runs nothing of it.
pub fn install(lock: &Path, folder: &Path) -> Result<()> {
    debian::require("npm", "npm", || run::starts("npm"))?;
    for from in [lock, &lock.with_file_name("package.json")] {
        let name = from.file_name().context("a lock is a file")?;
        std::fs::copy(from, folder.join(name)).with_context(|| from.display().to_string())?;
    }
    let mut install = Command::new("npm");
    install
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(folder);
    run::quietly(&mut install)
}
