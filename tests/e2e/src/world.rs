//! One swarm of three nodes: the one that the runner of all tests has started, or one of the first test's own.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use meshworker_lab::images::{self, Finish, Image};
use meshworker_lab::{LAB_VARIABLE, Swarm, SwarmOptions};

/// One swarm for all stories of a run. Dropping it takes the swarm down, unless it is somebody else's.
#[derive(Default)]
pub struct World {
    swarm: OnceLock<Swarm>,
    load: OnceLock<PathBuf>,
    hostile: OnceLock<PathBuf>,
}

impl World {
    /// The swarm: three nodes, the first one a manager, all images there.
    pub fn swarm(&self) -> &Swarm {
        self.swarm
            .get_or_init(|| match std::env::var(LAB_VARIABLE) {
                Ok(name) => Swarm::attach(&name).expect("the lab is there"),
                Err(_) => start(),
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
            let folder = images::static_binaries(&Self::root(), &[package], &Finish::for_tests());
            folder
                .expect("the load generator can be built")
                .join(package)
        })
    }

    /// What means harm to a cluster, as one static file.
    pub fn hostile_binary(&self) -> &Path {
        self.hostile.get_or_init(|| {
            let package = "meshworker-hostile";
            let folder = images::static_binaries(&Self::root(), &[package], &Finish::for_tests());
            folder
                .expect("the hostile program can be built")
                .join(package)
        })
    }

    /// While this is held, nobody damages a node: for a whole story.
    pub fn nodes_whole(&self) -> Turn {
        Turn::beside(self.swarm(), "nodes")
    }

    /// While this is held, the nodes are the holder's alone: for a whole story that damages them.
    pub fn nodes_alone(&self) -> Turn {
        Turn::alone(self.swarm(), "nodes")
    }

    /// While this is held, no node is drained: for one act.
    pub fn act_beside(&self) -> Turn {
        Turn::beside(self.swarm(), "act")
    }

    /// While this is held, no other act is under way: for an act that moves replicas of other stories too.
    pub fn act_alone(&self) -> Turn {
        Turn::alone(self.swarm(), "act")
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

fn start() -> Swarm {
    let images = images::prepare(&World::root(), &Image::ALL, Finish::for_tests(), |built| {
        eprintln!("  {built:?}")
    });
    let options = SwarmOptions {
        images: Some(images.expect("the images can be built")),
        ..SwarmOptions::new(3, 1)
    };
    Swarm::start_with(&options).expect("a swarm of three nodes can be started")
}

/// A turn with the swarm, which stories take in threads of one process or in processes of their own; it ends when this is
/// dropped. The kernel keeps it, on a file of the lab.
#[must_use]
pub struct Turn {
    _file: File,
}

impl Turn {
    fn beside(swarm: &Swarm, what: &str) -> Turn {
        let file = file(swarm, what);
        file.lock_shared().expect("the lab's file can be locked");
        Turn { _file: file }
    }

    fn alone(swarm: &Swarm, what: &str) -> Turn {
        let file = file(swarm, what);
        file.lock().expect("the lab's file can be locked");
        Turn { _file: file }
    }
}

fn file(swarm: &Swarm, what: &str) -> File {
    let path = swarm.directory().join(format!("{what}.turn"));
    File::options()
        .create(true)
        .append(true)
        .open(path)
        .expect("the lab has a folder")
}
