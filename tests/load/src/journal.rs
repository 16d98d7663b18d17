//! What must outlive a run: how far the writer came.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

/// The file in the output folder.
const FILE: &str = "state.json";

/// How far the writer came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Journal {
    /// The last acknowledged write; all before it are too. A run that is
    /// killed may have come a second further: those count as never made.
    pub acknowledged: u64,
    /// The write whose outcome is unknown, if the last run ended with one.
    pub unknown: Option<u64>,
}

impl Journal {
    /// What the last run left; nothing when there was none.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let file = file(folder);
        match std::fs::read(&file) {
            Ok(text) => {
                serde_json::from_slice(&text).with_context(|| format!("{}", file.display()))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("{}", file.display())),
        }
    }

    /// Writes it, whole or not at all.
    pub fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let file = file(folder);
        let fresh = file.with_extension("new");
        let written = std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&fresh, serde_json::to_vec(self)?))
            .and_then(|()| std::fs::rename(&fresh, &file));
        written.with_context(|| format!("{}", file.display()))
    }
}

fn file(folder: &Path) -> PathBuf {
    folder.join(FILE)
}
