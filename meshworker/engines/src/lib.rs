//! The databases that meshworker knows: one folder each, with the wire
//! protocol, the view, and the requests of that database.
//!
//! An engine has two halves. The I/O-free one is a
//! [`Planner`](meshworker_core::Planner): what the views mean, and which
//! requests follow. The other is [`Engine`]: ask a node for its view, perform
//! one request. To add a database, write both in a new folder and add one line
//! to [`registry`].

mod access;
pub mod aerospike;
mod descriptor;
mod dial;
mod engine;
mod intern;
pub mod redis;
pub mod registry;
mod rest;
mod secret_file;
mod sizing;
pub mod small_file;
pub mod tls;

pub use access::{Access, Tls};
pub use descriptor::{Descriptor, InvalidOption, OptionSpec};
pub use engine::{Engine, Failure};
pub use intern::Interner;
pub use secret_file::{SecretFile, SecretFileError};
pub use sizing::{Configured, Copies, EditionLimit, Mistake, Sizing};
