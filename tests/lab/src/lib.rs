//! A real multi-node Docker Swarm on one machine, for the demo and the end-to-end tests.
//!
//! Every node is a Docker engine of its own in namespaces of its own (network, mounts, processes, host name),
//! joined to the others over one bridge. Nothing leaves the machine. A node can be cut off the network and healed,
//! or lose its power and be started again.
//!
//! ```text
//!   host      +---------------- bridge mwlN, 10.213.N.1/24 ----------------+
//!             |                          |                                 |
//!         veth mwlNv1                veth mwlNv2                       veth mwlNv3
//!             |                          |                                 |
//!   +-- netns mwlNn1 ---+     +-- netns mwlNn2 ---+             +-- netns mwlNn3 ---+
//!   | eth0 10.213.N.11  |     | eth0 10.213.N.12  |             | eth0 10.213.N.13  |
//!   | init > dockerd    |     | init > dockerd    |             | init > dockerd    |
//!   |   > containers    |     |   > containers    |             |   > containers    |
//!   +-------------------+     +-------------------+             +-------------------+
//! ```
//!
//! Each node's processes live in one process namespace, so that killing its init kills everything of that node and
//! nothing else, as a power loss does. What a lab made is written down in its directory; whoever finds a directory
//! whose owner is gone can clean it up ([`sweep`]).
//!
//! The code is synchronous: it starts programs and waits for them. It runs on real time, because so do the engines.
#![allow(
    clippy::disallowed_types,
    reason = "the lab waits for other programs; no test can pause their time"
)]

mod apt;
mod cargo;
mod cleanup;
mod clients;
mod command;
mod damage;
mod docker;
mod engine;
mod error;
mod form;
mod guard;
mod host;
pub mod images;
mod names;
mod network;
mod node;
mod options;
mod process;
mod record;
mod stack;
mod suite;
mod swarm;
mod task;
mod tools;
mod update;
mod wait;

pub use apt::apt;
pub use cargo::cargo;
pub use cleanup::{remove_lab, sweep};
pub use clients::Client;
pub use command::Output;
pub use docker::{Docker, Engines};
pub use error::LabError;
pub use guard::clean_up_on_signals;
pub use host::Host;
pub use names::Outside;
pub use options::{LAB_VARIABLE, SwarmOptions};
pub use stack::{Stack, remove_unused_programs};
pub use suite::{ALONE, E2E_VARIABLE, Suite, TOOK};
pub use swarm::Swarm;
pub use task::Task;
pub use tools::Tools;
pub use wait::wait_for;

/// What the functions of this crate return.
pub type Result<T, E = LabError> = std::result::Result<T, E>;
