//! The databases that meshworker knows: one folder each, with the wire
//! protocol, the view, and the requests of that database.
//!
//! An engine has two halves. The I/O-free one is a
//! [`Planner`](meshworker_core::Planner): what the views mean, and which
//! requests follow. The other is [`Engine`]: ask a node for its view, perform
//! one request. To add a database, write both in a new folder and add one line
//! to [`registry`].
// What comes from outside must not end a process.
#![cfg_attr(
    not(test),
    warn(
        clippy::expect_used,
        clippy::get_unwrap,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::unchecked_time_subtraction
    )
)]

mod access;
mod act;
mod acts;
pub mod aerospike;
pub mod allegrograph;
pub mod budget;
mod descriptor;
mod dial;
mod engine;
pub mod etcd;
mod intern;
pub mod jgroups;
mod mandate;
pub mod mariadb;
pub mod outside;
mod placed;
mod quoted;
pub mod redis;
pub mod registry;
mod rest;
mod secret_file;
mod sizing;
pub mod small_file;
mod starts;
mod talk;
pub mod tls;

pub use access::{Access, Tls};
pub use act::{Done, INTENT, perform};
pub use acts::Acts;
pub use descriptor::{
    BEGIN, Descriptor, FORBIDDEN, IDEAL_SIZE, InvalidOption, OptionSpec, PRIMARY, Settings,
};
pub use engine::{Engine, Failure};
pub use mandate::{Alone, Intended, Mandate};
pub use placed::{External, Placed};
pub use quoted::quoted;
pub use secret_file::{SecretFile, SecretFileError};
pub use sizing::{Configured, Copies, EditionLimit, Mistake, Sizing};
pub use starts::{Copying, Nominated, Own, Starts};

/// The engine of `docs/new-engine.md`, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/new-engine.md")]
struct NewEngine;
