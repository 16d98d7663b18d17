//! The operator that makes the replicas of a Swarm service one database cluster.
//!
//! Owns everything that touches the world besides the databases: witnesses,
//! configuration, the loop, the command line. Decisions live in
//! [`meshworker_core`], databases in [`meshworker_engines`], what is known of stack
//! files in [`meshworker_doctor`].
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

pub mod announce;
pub mod board;
pub mod bounds;
pub mod cli;
pub mod client;
mod clock;
pub mod config;
pub mod dashboard;
pub mod docker;
pub mod doctor;
pub mod gossip;
pub mod group;
pub mod http;
pub mod init;
pub mod install;
mod kept;
pub mod kubernetes;
pub mod log_level;
pub mod metrics;
pub mod operators;
pub mod outside;
pub mod process;
pub mod proof;
pub mod proxy;
mod relay;
pub mod rights;
pub mod scale;
pub mod status;
pub mod token_file;
pub mod turned_away;
pub mod witness;
mod words;
pub mod worker;
