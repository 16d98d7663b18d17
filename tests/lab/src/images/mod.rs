//! The images of this project, and those that stand for vendors': their names, how they are built, and how they get to
//! every node.
//!
//! `images/NAME/` holds each image's Dockerfile. The Debian ones take their base as an argument, so that they are built
//! alike on a pulled base and on one that was made here.

mod base;
mod binaries;
mod build;
mod build_engine;
mod set;
mod tested;

pub use binaries::{BINARIES_VARIABLE, Finish, static_binaries};
pub use build::{Built, ImageBuilder, prepare, prepare_base, save};
pub use build_engine::BuildEngine;
pub use set::ImageSet;
pub use tested::Tested;

use crate::{Docker, Result};

/// One of the images in `images/`. The stack files use the same names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Image {
    /// The worker: one static binary and nothing else.
    Meshworker,
    /// Debian's Redis, started like the official image, for which it stands.
    Redis,
    /// The tests' container for queries.
    Tools,
    /// The simulated Aerospike server, with a shell beside it as in the vendor's image, for which it stands.
    AerospikeSim,
    /// Debian's etcd, which stands for the vendor's image.
    Etcd,
    /// Debian's MariaDB, with an entry point like the vendor's image, for which it stands.
    Mariadb,
    /// The simulated AllegroGraph server, where the vendor's image has its own.
    AllegrographSim,
    /// Redis with the supervisor in its image, for those who want it there.
    RedisMember,
}

impl Image {
    /// All images, in the order in which they are built.
    pub const ALL: [Self; 8] = [
        Self::Meshworker,
        Self::Redis,
        Self::Tools,
        Self::AerospikeSim,
        Self::Etcd,
        Self::Mariadb,
        Self::AllegrographSim,
        Self::RedisMember,
    ];

    /// The name under which stacks use it.
    pub const fn reference(self) -> &'static str {
        match self {
            Self::Meshworker => "meshworker/meshworker:latest",
            Self::Redis => "meshworker/redis:latest",
            Self::Tools => "meshworker/tools:latest",
            Self::AerospikeSim => "meshworker/aerospike-sim:latest",
            Self::Etcd => "meshworker/etcd:latest",
            Self::Mariadb => "meshworker/mariadb:latest",
            Self::AllegrographSim => "meshworker/allegrograph-sim:latest",
            Self::RedisMember => "meshworker/redis-member:latest",
        }
    }

    /// What it is called on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Meshworker => "meshworker",
            Self::Redis => "redis",
            Self::Tools => "tools",
            Self::AerospikeSim => "aerospike-sim",
            Self::Etcd => "etcd",
            Self::Mariadb => "mariadb",
            Self::AllegrographSim => "allegrograph-sim",
            Self::RedisMember => "redis-member",
        }
    }

    /// Its folder in `images/`.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::RedisMember => "member",
            other => other.name(),
        }
    }

    /// The image that it adds the supervisor to.
    pub const fn vendor(self) -> Option<&'static str> {
        match self {
            Self::RedisMember => Some(Self::Redis.reference()),
            Self::Meshworker
            | Self::Redis
            | Self::Tools
            | Self::AerospikeSim
            | Self::Etcd
            | Self::Mariadb
            | Self::AllegrographSim => None,
        }
    }

    /// The packages of this workspace whose binaries go into it.
    pub const fn binaries(self) -> &'static [&'static str] {
        match self {
            Self::Meshworker => &["meshworker"],
            // The simulator is also its own client.
            Self::AerospikeSim | Self::Tools => &["aerospike-sim"],
            Self::AllegrographSim => &["allegrograph-sim"],
            Self::Redis | Self::Etcd | Self::Mariadb | Self::RedisMember => &[],
        }
    }

    /// Whether it is made on a Debian base, rather than from nothing.
    pub const fn needs_base(self) -> bool {
        matches!(
            self,
            Self::Redis
                | Self::Tools
                | Self::AerospikeSim
                | Self::Etcd
                | Self::Mariadb
                | Self::AllegrographSim
        )
    }
}

impl std::str::FromStr for Image {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|image| image.name() == name)
            .ok_or_else(|| {
                let known = Self::ALL.map(Self::name).join(", ");
                format!("there is no image `{name}`: the images are {known}")
            })
    }
}

impl std::fmt::Display for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What the worker's image on this engine calls itself: the stacks' `MESHWORKER_VERSION`, after which they name the volume
/// that brings it to the members.
///
/// # Errors
///
/// When the engine does not have the image.
pub fn version(engine: &Docker) -> Result<String> {
    let image = Image::Meshworker.reference();
    engine.run(["run", "--rm", "--network=none", image, "version"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for image in Image::ALL {
            assert_eq!(image.to_string().parse(), Ok(image));
        }
        let error = "nonsense".parse::<Image>().unwrap_err();
        assert!(error.contains("nonsense") && error.contains("redis"));
    }
}
