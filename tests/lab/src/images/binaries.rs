//! The static binaries that go into the images.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Image;
use crate::command::{command_line, run};
use crate::{LabError, Result, cargo};

/// With this the GNU target links all of the C library into the binary.
const STATIC: &str = "-C target-feature=+crt-static";

/// Set to a folder, this variable names the binaries that are built already, for whoever runs tests.
pub const BINARIES_VARIABLE: &str = "MESHWORKER_BINARIES";

/// How much work the compiler puts into the binaries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finish {
    /// Soon there, for labs: what tests are built with as well.
    Quick,
    /// Small, for whoever ships them: the profile `release`.
    Release,
    /// None any more: they are in this folder.
    Built(PathBuf),
}

impl Finish {
    /// For tests: built already, where [`BINARIES_VARIABLE`] says so, else quickly.
    pub fn for_tests() -> Self {
        std::env::var_os(BINARIES_VARIABLE).map_or(Self::Quick, |folder| Self::Built(folder.into()))
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
    finish: &Finish,
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
pub fn static_binaries(workspace: &Path, packages: &[&str], finish: &Finish) -> Result<PathBuf> {
    build_packages(workspace, &target_directory(workspace)?, packages, finish)
}

fn build_packages(
    workspace: &Path,
    target: &Path,
    packages: &[&str],
    finish: &Finish,
) -> Result<PathBuf> {
    // Cargo calls the folder of the profile `dev` after what it is for.
    let (profile, folder) = match finish {
        Finish::Built(folder) => return Ok(folder.clone()),
        Finish::Quick => ("dev", "debug"),
        Finish::Release => ("release", "release"),
    };
    // Named explicitly, so that the flags do not reach build scripts and procedural macros.
    let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    if !packages.is_empty() {
        let mut command = cargo(workspace);
        command
            .args(["build", "--quiet", "--target", &triple])
            .args(["--profile", profile])
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
    Ok(target.join(triple).join(folder))
}
