//! What a lab is made of, and where it is kept.

use std::io::ErrorKind::AlreadyExists;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::images::ImageSet;
use crate::network::MAX_NODES;
use crate::record::PREFIX;
use crate::{LabError, Result};

/// Set to a lab's name, this variable gives tests a lab that is there already.
pub const LAB_VARIABLE: &str = "MESHWORKER_LAB";

/// What a lab is made of.
#[derive(Debug, Clone)]
pub struct SwarmOptions {
    /// How many nodes.
    pub nodes: usize,
    /// How many of them, counted from the first, are managers.
    pub managers: usize,
    /// A name makes a lab that stays when the program ends; it is found by that name ([`crate::Swarm::attach`]).
    pub stay_as: Option<String>,
    /// Images that every node has from the start.
    pub images: Option<ImageSet>,
}

impl SwarmOptions {
    /// A lab that ends with its program and has no images.
    pub fn new(nodes: usize, managers: usize) -> Self {
        Self {
            nodes,
            managers,
            stay_as: None,
            images: None,
        }
    }

    /// The numbers, checked.
    pub(crate) fn validate(&self) -> Result<()> {
        let (nodes, managers) = (self.nodes, self.managers);
        if (1..=MAX_NODES).contains(&nodes) && (1..=nodes).contains(&managers) {
            return Ok(());
        }
        Err(LabError::Invalid(format!(
            "a lab has 1 to {MAX_NODES} nodes, and at least one and at most all of them are managers: \
             not {nodes} nodes with {managers} managers"
        )))
    }
}

/// The directory of the lab that stays under this name.
pub(crate) fn directory(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("{PREFIX}{name}"))
}

/// A directory of this lab's own. For a lab that stays, its name also keeps a second one from being started.
pub(crate) fn new_directory(stay_as: Option<&str>) -> Result<PathBuf> {
    static COUNT: AtomicU32 = AtomicU32::new(1);
    loop {
        let dir = match stay_as {
            Some(name) => directory(name),
            None => {
                let count = COUNT.fetch_add(1, Ordering::Relaxed);
                directory(&format!("{}-{count}", std::process::id()))
            }
        };
        match (std::fs::create_dir(&dir), stay_as) {
            (Ok(()), _) => return Ok(dir),
            (Err(error), Some(name)) if error.kind() == AlreadyExists => {
                return Err(LabError::Invalid(format!(
                    "the lab `{name}` exists already: take it down with `cargo xtask lab down`"
                )));
            }
            // Of an earlier process with the same number.
            (Err(error), None) if error.kind() == AlreadyExists => {}
            (Err(error), _) => return Err(LabError::file("create", &dir)(error)),
        }
    }
}
