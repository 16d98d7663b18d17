//! One swarm of three nodes, started by the first test that needs it.

use std::path::{Path, PathBuf};
use std::sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use meshworker_lab::images::{self, Finish, Image};
use meshworker_lab::{Swarm, SwarmOptions};

/// One swarm for all tests of a run. Dropping it takes the swarm down.
#[derive(Default)]
pub struct World {
    swarm: OnceLock<Swarm>,
    load: OnceLock<PathBuf>,
    /// Written by stories that damage nodes.
    nodes: RwLock<()>,
    /// Written by acts that move everybody's replicas about.
    turn: RwLock<()>,
}

impl World {
    /// The swarm: three nodes, the first one a manager, all images there.
    pub fn swarm(&self) -> &Swarm {
        self.swarm.get_or_init(|| {
            let images = images::prepare(&Self::root(), &Image::ALL, Finish::Quick, |built| {
                eprintln!("  {built:?}");
            });
            let options = SwarmOptions {
                images: Some(images.expect("the images can be built")),
                ..SwarmOptions::new(3, 1)
            };
            Swarm::start_with(&options).expect("a swarm of three nodes can be started")
        })
    }

    /// The manager's socket, and the group that may use it.
    pub fn socket(&self) -> (String, String) {
        let manager = self.swarm().docker(1).expect("node 1 is there");
        let socket = manager.host().expect("a lab's engine has a socket");
        let socket = socket.trim_start_matches("unix://").to_owned();
        let group = std::fs::metadata(&socket).expect("the socket is there");
        let group = std::os::unix::fs::MetadataExt::gid(&group).to_string();
        (socket, group)
    }

    /// The load generator, as one static file.
    pub fn load_binary(&self) -> &Path {
        self.load.get_or_init(|| {
            let package = "meshworker-load";
            let folder = images::static_binaries(&Self::root(), &[package], Finish::Quick);
            folder
                .expect("the load generator can be built")
                .join(package)
        })
    }

    /// While this is held, nobody damages a node: for a whole story.
    pub fn nodes_whole(&self) -> RwLockReadGuard<'_, ()> {
        self.nodes.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// While this is held, the nodes are the holder's alone: for a whole story
    /// that damages them.
    pub fn nodes_alone(&self) -> RwLockWriteGuard<'_, ()> {
        self.nodes.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// While this is held, no node is drained: for one act.
    pub fn act_beside(&self) -> RwLockReadGuard<'_, ()> {
        self.turn.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// While this is held, no other act is under way: for an act that moves
    /// replicas of other stories too.
    pub fn act_alone(&self) -> RwLockWriteGuard<'_, ()> {
        self.turn.write().unwrap_or_else(PoisonError::into_inner)
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
