//! What a repository knows of the cluster in which it is.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// One instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    pub name: String,
    /// Where the others reach it.
    pub host: String,
    pub port: u16,
    /// The account there.
    pub user: String,
    pub password: String,
    /// Which repository it is, whatever its name: one that was thrown away is another one.
    pub repository: String,
    pub stopped: bool,
}

/// What all instances have in common. A higher version takes the place of a lower one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roll {
    pub cluster: String,
    pub version: u64,
    pub controlling: String,
    pub instances: Vec<Instance>,
    /// The repositories that were taken out: they never come in again.
    pub removed: BTreeSet<String>,
}

/// A repository's place in its cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    pub me: String,
    pub roll: Roll,
    /// Whether its data was not whole when it was written: it is never whole any more where
    /// the server ended meanwhile.
    pub copying: bool,
}

impl Roll {
    pub fn get(&self, name: &str) -> Option<&Instance> {
        self.instances.iter().find(|one| one.name == name)
    }

    /// Takes an instance in; the next version.
    pub fn add(&mut self, instance: Instance) {
        self.instances.push(instance);
        self.version += 1;
    }

    /// Takes an instance out for good; the next version.
    pub fn remove(&mut self, name: &str) -> Option<Instance> {
        let at = self.instances.iter().position(|one| one.name == name)?;
        let instance = self.instances.remove(at);
        self.removed.insert(instance.repository.clone());
        self.version += 1;
        Some(instance)
    }
}

impl Membership {
    pub fn controls(&self) -> bool {
        self.roll.controlling == self.me
    }
}
