//! What a stack says, as far as checks ask for it: of a file, or of services
//! that run.

use std::collections::BTreeMap;
use std::time::Duration;

use super::field::At;
use super::interpolate::Note;
use super::schema::Refused;
use crate::finding::Place;

/// A whole stack.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stack {
    /// In the order of the file.
    pub services: Vec<Service>,
    /// By their names in the file.
    pub networks: BTreeMap<String, Network>,
    /// By their names in the file.
    pub volumes: BTreeMap<String, Volume>,
    /// By their names in the file.
    pub secrets: BTreeMap<String, Source>,
    /// By their names in the file.
    pub configs: BTreeMap<String, Source>,
    /// What is worth a note about the variables of its files.
    pub notes: Vec<Note>,
    /// What Docker refuses in its files.
    pub refused: Vec<Refused>,
    /// The version of its files, 3.N as N; none for what is deployed already.
    pub version: Option<u8>,
}

/// One service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Where it begins.
    pub place: Option<Place>,
    /// What it runs.
    pub image: Option<At<String>>,
    /// Whether it takes over another service's lines.
    pub inherits: bool,
    /// Entry point and command, one after the other.
    pub words: Vec<String>,
    /// Where the last of both stands.
    pub words_place: Option<Place>,
    /// Its environment.
    pub environment: BTreeMap<String, At<Variable>>,
    /// The service's own labels, not the containers'.
    pub labels: BTreeMap<String, At<String>>,
    /// The containers' labels.
    pub container_labels: BTreeMap<String, At<String>>,
    /// The names of its networks.
    pub networks: Vec<At<String>>,
    /// The keys that `docker stack deploy` leaves aside.
    pub ignored: Vec<At<String>>,
    /// What it publishes.
    pub ports: Vec<At<Port>>,
    /// What it mounts.
    pub mounts: Vec<At<Mount>>,
    /// Its configs.
    pub configs: Vec<At<Given>>,
    /// Its secrets.
    pub secrets: Vec<At<Given>>,
    /// The files that its environment begins with.
    pub env_files: Vec<At<String>>,
    /// Its health check.
    pub health: Option<At<Health>>,
    /// How long it may take to stop.
    pub grace: Option<At<Duration>>,
    /// The signal that asks it to stop.
    pub stop_signal: Option<At<String>>,
    /// Whether it has a terminal.
    pub tty: bool,
    /// Its name servers.
    pub dns: Vec<At<String>>,
    /// What the container calls itself.
    pub hostname: Option<String>,
    /// `vip` or `dnsrr`.
    pub endpoint_mode: Option<At<String>>,
    /// `replicated`, `global` and the like.
    pub mode: Option<At<String>>,
    /// How many replicas.
    pub replicas: Option<At<usize>>,
    /// How many of them on one node; 0 for any number.
    pub max_per_node: Option<At<usize>>,
    /// Where they may run.
    pub constraints: Vec<At<String>>,
    /// When it is started again: `any`, the default, `on-failure` or `none`.
    pub restart: Option<At<String>>,
    /// How often at the most.
    pub restarts: Option<At<u64>>,
    /// How it is updated.
    pub update: Update,
    /// How an update is taken back.
    pub rollback: Update,
}

/// A variable of a service's environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its value.
    pub value: String,
    /// Whether a variable of the file was filled in.
    pub filled_in: bool,
}

/// A published port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// On the node; none for any.
    pub published: Option<String>,
    /// In the container.
    pub target: String,
    /// On the replica's node alone, not through the routing mesh.
    pub host: bool,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: String,
}

/// A secret or a config that a service is given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Given {
    /// Its name in the stack.
    pub source: String,
    /// Its file in the container, where that is said: a path, or a name below
    /// `/run/secrets` for secrets, below `/` for configs.
    pub target: Option<String>,
}

impl Given {
    /// Its file in the container, which for secrets is in `/run/secrets/`, for
    /// configs in `/`.
    pub fn path(&self, folder: &str) -> String {
        let target = self.target.as_ref().unwrap_or(&self.source);
        match target.starts_with('/') {
            true => target.clone(),
            false => format!("{folder}{target}"),
        }
    }
}

/// Something mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// The volume's name, or the path on the node; none for a volume of the
    /// container's own.
    pub source: Option<String>,
    /// The path in the container.
    pub target: String,
    /// What its source is.
    pub kind: MountKind,
    /// Whether nothing can be written.
    pub read_only: bool,
}

/// What the source of a mount is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MountKind {
    /// A volume, by its name in the file.
    Volume,
    /// A path of the node.
    Bind,
    /// Memory.
    Tmpfs,
    /// A cluster volume, a pipe of Windows: nothing that the file declares.
    Other,
}

impl MountKind {
    /// By its name in a stack file, and for the engine.
    pub fn of(name: &str) -> MountKind {
        match name {
            "" | "volume" => MountKind::Volume,
            "bind" => MountKind::Bind,
            "tmpfs" => MountKind::Tmpfs,
            _ => MountKind::Other,
        }
    }
}

impl Mount {
    /// Whether its source is a path of the node.
    pub fn is_bind(&self) -> bool {
        self.kind == MountKind::Bind
    }

    /// Whether its source is a volume.
    pub fn is_volume(&self) -> bool {
        self.kind == MountKind::Volume
    }

    /// Whether it lives in memory.
    pub fn is_tmpfs(&self) -> bool {
        self.kind == MountKind::Tmpfs
    }
}

/// A health check.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Health {
    /// Whether the image's own is switched off, in whichever way.
    pub disabled: bool,
    /// Whether that is said by `disable`.
    pub switched_off: bool,
    /// The command, with `CMD` or `CMD-SHELL` before it.
    pub test: Vec<String>,
    /// Before this, failures do not count.
    pub start_period: Option<At<Duration>>,
    /// Between two probes; Docker's default is 30 s.
    pub interval: Option<Duration>,
    /// How many failures make it unhealthy; Docker's default is 3.
    pub retries: Option<u32>,
}

/// How a service is updated.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Update {
    /// How many replicas at once, 0 for all; the default is 1.
    pub parallelism: Option<At<u64>>,
    /// `stop-first`, the default, or `start-first`.
    pub order: Option<At<String>>,
    /// `pause`, the default, `continue` or `rollback`.
    pub failure_action: Option<At<String>>,
}

/// A network.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Network {
    /// Where it stands.
    pub place: Option<Place>,
    /// Its name for the engine, where it is another one.
    pub name: Option<String>,
    /// Whether it is made elsewhere, so that nothing is known of it.
    pub external: bool,
    /// The driver; Swarm's default is `overlay`.
    pub driver: Option<At<String>>,
    /// Whether containers outside the swarm's services may join.
    pub attachable: Option<At<bool>>,
    /// The driver's options.
    pub options: BTreeMap<String, At<String>>,
    /// Its subnets.
    pub subnets: Vec<At<String>>,
}

/// A volume.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Volume {
    /// Whether it is made elsewhere, so that nothing is known of it.
    pub external: bool,
    /// Its name for the engine, where it is another one.
    pub name: Option<String>,
    /// The driver; the default is `local`.
    pub driver: Option<String>,
    /// The driver's options.
    pub options: BTreeMap<String, String>,
}

/// Where a secret or a config comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Source {
    /// The file, as the stack file names it.
    pub file: Option<At<String>>,
    /// Whether it is made elsewhere, so that no file is read.
    pub external: bool,
    /// Whether there is no such file.
    pub absent: bool,
    /// The file's content, of configs that could be read.
    pub text: Option<String>,
}

impl Service {
    /// How a finding names it.
    pub fn subject(&self) -> String {
        format!("service {}", self.name)
    }

    /// How many replicas it is meant to have; none when there is no number,
    /// because it runs on every node.
    pub fn wanted(&self) -> Option<usize> {
        match self.mode.as_ref().map(|mode| mode.value.as_str()) {
            Some("global" | "global-job") => None,
            _ => Some(self.replicas.as_ref().map_or(1, |replicas| replicas.value)),
        }
    }

    /// Whether each replica has an address of its own under the service's name.
    pub fn is_dnsrr(&self) -> bool {
        let mode = self.endpoint_mode.as_ref();
        mode.is_some_and(|mode| mode.value == "dnsrr")
    }
}
