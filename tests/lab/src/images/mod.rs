//! The images of this project: their names, how they are built, and how they get to every node.
//!
//! `images/NAME/` holds each image's Dockerfile. The Debian ones take their base as an argument, so that they are built
//! alike on a pulled base and on one that was made here.

mod base;
mod binaries;
mod build;
mod build_engine;
mod set;

pub use binaries::{BINARIES_VARIABLE, Finish, static_binaries};
pub use build::{Built, ImageBuilder, prepare, prepare_base, save};
pub use build_engine::BuildEngine;
pub use set::ImageSet;

/// One of the images in `images/`. The stack files use the same names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Image {
    /// The worker: one static binary and nothing else.
    Meshworker,
    /// Debian's Redis, started like the official image.
    Redis,
    /// The container for queries.
    Tools,
    /// The simulated Aerospike server, with a shell beside it as in the vendor's image.
    AerospikeSim,
    /// Redis with the supervisor.
    RedisMember,
    /// Aerospike with the supervisor: the simulated server, or the one that `AEROSPIKE_IMAGE` names.
    AerospikeMember,
}

impl Image {
    /// All images, in the order in which they are built.
    pub const ALL: [Self; 6] = [
        Self::Meshworker,
        Self::Redis,
        Self::Tools,
        Self::AerospikeSim,
        Self::RedisMember,
        Self::AerospikeMember,
    ];

    /// The name under which stacks use it.
    pub const fn reference(self) -> &'static str {
        match self {
            Self::Meshworker => "meshworker/meshworker:latest",
            Self::Redis => "meshworker/redis:latest",
            Self::Tools => "meshworker/tools:latest",
            Self::AerospikeSim => "meshworker/aerospike-sim:latest",
            Self::RedisMember => "meshworker/redis-member:latest",
            Self::AerospikeMember => "meshworker/aerospike-member:latest",
        }
    }

    /// What it is called on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Meshworker => "meshworker",
            Self::Redis => "redis",
            Self::Tools => "tools",
            Self::AerospikeSim => "aerospike-sim",
            Self::RedisMember => "redis-member",
            Self::AerospikeMember => "aerospike-member",
        }
    }

    /// Its folder in `images/`.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::RedisMember | Self::AerospikeMember => "member",
            other => other.name(),
        }
    }

    /// The image that it adds the supervisor to.
    pub fn vendor(self) -> Option<String> {
        match self {
            Self::RedisMember => Some(Self::Redis.reference().into()),
            Self::AerospikeMember => Some(
                std::env::var("AEROSPIKE_IMAGE")
                    .unwrap_or_else(|_| Self::AerospikeSim.reference().into()),
            ),
            Self::Meshworker | Self::Redis | Self::Tools | Self::AerospikeSim => None,
        }
    }

    /// The packages of this workspace whose binaries go into it.
    pub const fn binaries(self) -> &'static [&'static str] {
        match self {
            Self::Meshworker => &["meshworker"],
            Self::AerospikeSim => &["aerospike-sim"],
            // The simulator is also its own client.
            Self::Tools => &["meshworker", "aerospike-sim"],
            Self::Redis | Self::RedisMember | Self::AerospikeMember => &[],
        }
    }

    /// Whether it is made on a Debian base, rather than from nothing.
    pub const fn needs_base(self) -> bool {
        matches!(self, Self::Redis | Self::Tools | Self::AerospikeSim)
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
