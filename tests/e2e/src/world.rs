//! One swarm of three nodes, started by the first test that needs it.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use meshworker_lab::images::{self, Image};
use meshworker_lab::{Swarm, SwarmOptions};

/// One swarm for all tests of a run. Dropping it takes the swarm down.
#[derive(Default)]
pub struct World {
    swarm: OnceLock<Swarm>,
}

impl World {
    /// The swarm: three nodes, the first one a manager, all images there.
    pub fn swarm(&self) -> &Swarm {
        self.swarm.get_or_init(|| {
            let images = images::prepare(&Self::root(), &Image::ALL, |built| {
                eprintln!("  {built:?}");
            });
            let options = SwarmOptions {
                images: Some(images.expect("the images can be built")),
                ..SwarmOptions::new(3, 1)
            };
            Swarm::start_with(&options).expect("a swarm of three nodes can be started")
        })
    }

    /// The project's root folder.
    pub fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
    }

    /// A stack file of the project.
    pub fn stack(name: &str) -> PathBuf {
        Self::root().join("stack").join(name)
    }

    /// A stack file that only tests use.
    pub fn test_stack(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("stacks")
            .join(name)
    }
}
