//! What a lab writes down about itself, so that any later process can find it, use it, or remove what is left of it.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::process::ProcessId;
use crate::{LabError, Result};

/// Every lab's directory is named so, under the system's directory for temporary files.
pub(crate) const PREFIX: &str = "meshworker-lab-";

const LAB_FILE: &str = "lab.json";
const NODE_FILE: &str = "node.json";

/// `lab.json`: the lab as a whole.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LabRecord {
    /// The process with which the lab ends; none for a lab that stays until it is taken down by hand.
    pub owner: Option<ProcessId>,
    /// The number of its network, if it has one.
    pub network: Option<u8>,
    /// The control group of all its containers.
    pub control_group: String,
    /// How many nodes it has.
    pub nodes: usize,
    /// How many of them, counted from the first, are managers.
    pub managers: usize,
}

impl LabRecord {
    pub(crate) fn read(lab: &Path) -> Result<Self> {
        read(&lab.join(LAB_FILE))
    }

    pub(crate) fn write(&self, lab: &Path) -> Result<()> {
        write(&lab.join(LAB_FILE), self)
    }
}

/// `nI/node.json`: one node.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct NodeRecord {
    /// The process that holds the node's processes.
    pub engine: ProcessId,
    /// Its id in the swarm, once it has joined.
    pub node_id: Option<String>,
}

impl NodeRecord {
    pub(crate) fn read(node: &Path) -> Result<Self> {
        read(&node.join(NODE_FILE))
    }

    pub(crate) fn write(&self, node: &Path) -> Result<()> {
        write(&node.join(NODE_FILE), self)
    }
}

/// The directories of all labs on this machine, of this user's temporary directory.
pub(crate) fn lab_directories() -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(std::env::temp_dir()) else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok())
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX))
        .map(|entry| entry.path())
        .collect()
}

/// The directory of the `index`-th node, counted from 1.
pub(crate) fn node_directory(lab: &Path, index: usize) -> PathBuf {
    lab.join(format!("n{index}"))
}

fn read<T: DeserializeOwned>(file: &Path) -> Result<T> {
    let bytes = std::fs::read(file).map_err(LabError::file("read", file))?;
    serde_json::from_slice(&bytes).map_err(|error| LabError::Unexpected {
        question: format!("read {}", file.display()),
        answer: error.to_string(),
    })
}

/// In two steps, so that a reader never sees half a file.
fn write<T: Serialize>(file: &Path, value: &T) -> Result<()> {
    let bytes = serde_json::to_vec(value).map_err(|error| LabError::Unexpected {
        question: format!("write {}", file.display()),
        answer: error.to_string(),
    })?;
    let draft = file.with_extension("new");
    std::fs::write(&draft, bytes).map_err(LabError::file("write", &draft))?;
    std::fs::rename(&draft, file).map_err(LabError::file("write", file))
}
