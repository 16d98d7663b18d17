//! What the end-to-end tests share: one swarm for all of them, and each
//! database's own word on what its cluster is.
//!
//! The tests never ask meshworker whether it succeeded: they ask the
//! databases, through a tools container, in the databases' own language.
#![allow(
    clippy::disallowed_types,
    reason = "real engines run on real time, and the figures are worth seeing"
)]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a test fails by panicking"
)]

mod acts;
mod aerospike;
mod allegrograph;
mod database;
mod deployment;
mod etcd;
mod footprint;
mod load;
mod mariadb;
mod mended;
mod redis;
mod world;

pub use acts::Acts;
pub use aerospike::Aerospike;
pub use allegrograph::Allegrograph;
pub use database::{Cluster, Database};
pub use deployment::Deployment;
pub use etcd::Etcd;
pub use footprint::Footprint;
pub use load::{Load, RECORDS_VARIABLE, RunningLoad};
pub use mariadb::{Mariadb, Said};
pub use mended::Mended;
pub use redis::Redis;
pub use world::{Turn, World};
