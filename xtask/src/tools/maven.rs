//! What Maven Central has: files, each held to its hash.
//!
//! A lock has one file a line: under which name it is wanted, what it is called there, and its SHA-256. A new release is
//! another line: `mvn dependency:copy` as below fetches it, and `sha256sum` says the last column.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{debian, run};

/// The one plugin that fetches; whatever it does, what came is what the lock says.
const COPY: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy";

/// Fetches the files of a lock into a folder.
pub fn install(lock: &Path, folder: &Path) -> Result<()> {
    debian::require("Maven", "maven", || run::starts("mvn"))?;
    let text = fs::read_to_string(lock).with_context(|| lock.display().to_string())?;
    for line in text.lines() {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [name, artifact, sha256] = columns[..] else {
            bail!(
                "{}: found {line:?}; allowed: NAME ARTIFACT SHA256",
                lock.display()
            );
        };
        let came = folder.join("came");
        let mut mvn = Command::new("mvn");
        mvn.args(["--batch-mode", "--quiet", COPY])
            .arg(format!("-Dartifact={artifact}"))
            .arg(format!("-DoutputDirectory={}", came.display()))
            // No project is meant.
            .current_dir(folder);
        run::quietly(&mut mvn)?;
        let file = fs::read_dir(&came)?.next().context("nothing came")??.path();
        let mut check = Command::new("sha256sum");
        check.arg(&file);
        let said = check.output().context("cannot start sha256sum")?;
        let found = String::from_utf8_lossy(&said.stdout);
        let found = found
            .trim_start_matches('\\')
            .split_whitespace()
            .next()
            .unwrap_or_default();
        if found != sha256 {
            bail!("{artifact}: found the SHA-256 {found}; allowed: {sha256}, as it is locked");
        }
        fs::rename(file, folder.join(name))?;
        fs::remove_dir_all(came)?;
    }
    Ok(())
}
