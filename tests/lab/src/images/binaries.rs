//! The static binaries that go into the images.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Image;
use crate::command::{command_line, run};
use crate::{LabError, Result, cargo};

/// With this the GNU target links all of the C library into the binary.
const STATIC: &str = "-C target-feature=+crt-static";

/// How much work the compiler puts into the binaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// Soon there, for labs: the profile `lab`.
    Quick,
    /// Small, for whoever ships them: the profile `release`.
    Release,
}

impl Finish {
    fn profile(self) -> &'static str {
        match self {
            Finish::Quick => "lab",
            Finish::Release => "release",
        }
    }
}

/// What `cargo metadata` prints, as far as it matters.
#[derive(Deserialize)]
struct Metadata {
    target_directory: PathBuf,
}

/// Where cargo puts what it builds for this workspace.
pub(super) fn target_directory(workspace: &Path) -> Result<PathBuf> {
    let mut command = cargo(workspace);
    command.args(["metadata", "--no-deps", "--format-version=1"]);
    let output = run(&mut command)?;
    let metadata: Metadata =
        serde_json::from_str(&output).map_err(|error| LabError::Unexpected {
            question: command_line(&command),
            answer: error.to_string(),
        })?;
    Ok(metadata.target_directory)
}

/// Builds the binaries of these images and returns the directory in which they are.
pub(super) fn build(
    workspace: &Path,
    target: &Path,
    images: &[Image],
    finish: Finish,
) -> Result<PathBuf> {
    let mut packages: Vec<_> = images
        .iter()
        .flat_map(|image| image.binaries())
        .copied()
        .collect();
    packages.sort_unstable();
    packages.dedup();
    build_packages(workspace, target, &packages, finish)
}

/// Builds the static binaries of these packages, as they go into the images, and returns the directory in which they
/// are.
///
/// # Errors
///
/// When cargo does not know the workspace, or the compiler fails.
pub fn static_binaries(workspace: &Path, packages: &[&str], finish: Finish) -> Result<PathBuf> {
    build_packages(workspace, &target_directory(workspace)?, packages, finish)
}

fn build_packages(
    workspace: &Path,
    target: &Path,
    packages: &[&str],
    finish: Finish,
) -> Result<PathBuf> {
    // Named explicitly, so that the flags do not reach build scripts and procedural macros.
    let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    if !packages.is_empty() {
        let mut command = cargo(workspace);
        command
            .args(["build", "--quiet", "--target", &triple])
            .args(["--profile", finish.profile()])
            .args(packages.iter().flat_map(|package| ["-p", *package]))
            .env("RUSTFLAGS", STATIC)
            // It would win over the other.
            .env_remove("CARGO_ENCODED_RUSTFLAGS");
        // With the terminal's own stderr: a compiler's messages are for whoever started this.
        let status = command.status().map_err(|source| LabError::Start {
            command: command_line(&command),
            source,
        })?;
        if !status.success() {
            return Err(LabError::Failed {
                command: command_line(&command),
                status: status.to_string(),
                stderr: "the compiler's messages are above".into(),
            });
        }
    }
    Ok(target.join(triple).join(finish.profile()))
}
