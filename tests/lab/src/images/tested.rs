//! The servers that stories are about: what stands for them here, or whatever image a variable names.

use std::path::Path;

use super::Image;
use crate::{Docker, LabError, Result};

/// A database's server that stories are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tested {
    /// Redis, or another server that speaks as it does.
    Redis,
    /// Aerospike.
    Aerospike,
    /// etcd.
    Etcd,
    /// MariaDB.
    Mariadb,
    /// AllegroGraph.
    Allegrograph,
}

impl Tested {
    /// All.
    pub const ALL: [Self; 5] = [
        Self::Redis,
        Self::Aerospike,
        Self::Etcd,
        Self::Mariadb,
        Self::Allegrograph,
    ];

    /// The variable that names another image: one that `docker` here has or can pull, or a file that `docker save` made.
    pub const fn variable(self) -> &'static str {
        match self {
            Self::Redis => "REDIS_IMAGE",
            Self::Aerospike => "AEROSPIKE_IMAGE",
            Self::Etcd => "ETCD_IMAGE",
            Self::Mariadb => "MARIADB_IMAGE",
            Self::Allegrograph => "AGRAPH_IMAGE",
        }
    }

    /// The image that stories deploy.
    pub fn reference(self) -> &'static str {
        let stand_in = match self {
            Self::Redis => Image::Redis,
            Self::Aerospike => Image::AerospikeSim,
            Self::Etcd => Image::Etcd,
            Self::Mariadb => Image::Mariadb,
            Self::Allegrograph => Image::AllegrographSim,
        };
        self.brought().unwrap_or(stand_in.reference())
    }

    /// What the image that the variable names is called on all engines.
    pub fn brought(self) -> Option<&'static str> {
        self.named().map(|_| match self {
            Self::Redis => "meshworker/tested-redis:latest",
            Self::Aerospike => "meshworker/tested-aerospike:latest",
            Self::Etcd => "meshworker/tested-etcd:latest",
            Self::Mariadb => "meshworker/tested-mariadb:latest",
            Self::Allegrograph => "meshworker/tested-allegrograph:latest",
        })
    }

    fn named(self) -> Option<String> {
        let named = std::env::var(self.variable()).ok();
        named.filter(|name| !name.is_empty())
    }

    /// Brings the image that the variable names to an engine, if it names one; by way of a file in this folder.
    pub(super) fn bring(self, engine: &Docker, folder: &Path) -> Result<()> {
        let (Some(named), Some(reference)) = (self.named(), self.brought()) else {
            return Ok(());
        };
        let found = find(&named, engine, folder).map_err(|why| {
            LabError::Invalid(format!(
                "{}: found '{named}': {why}; allowed: a file that `docker save` made, or an image that `docker` here has \
                 or can pull",
                self.variable()
            ))
        })?;
        engine.run(["tag", &found, reference]).map(drop)
    }
}

/// Brings an image to the engine, from wherever it is; what it is called there.
fn find(named: &str, engine: &Docker, folder: &Path) -> Result<String> {
    if Path::new(named).is_file() {
        return load(Path::new(named), engine);
    }
    let here = Docker::here();
    if here.run(["image", "inspect", named]).is_err() {
        engine.run(["pull", "-q", named])?;
        return Ok(named.to_owned());
    }
    let archive = folder.join("tested.tar");
    here.run(["save", "-o", &archive.to_string_lossy(), named])?;
    let loaded = load(&archive, engine);
    std::fs::remove_file(&archive).map_err(LabError::file("remove", &archive))?;
    loaded
}

fn load(archive: &Path, engine: &Docker) -> Result<String> {
    let said = engine.run(["load", "-q", "-i", &archive.to_string_lossy()])?;
    // "Loaded image: NAME", or "Loaded image ID: sha256:..."; a line for each.
    match (said.lines().count(), said.split_once(": ")) {
        (1, Some((_, name))) => Ok(name.trim().to_owned()),
        _ => Err(LabError::Unexpected {
            question: format!("docker load -i {}", archive.display()),
            answer: said,
        }),
    }
}
