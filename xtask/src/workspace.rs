//! Where things are in this workspace.

use std::path::{Path, PathBuf};

/// The root of the workspace that this program was built from.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// A `cargo` command in this workspace.
pub fn cargo() -> std::process::Command {
    meshworker_lab::cargo(&root())
}
