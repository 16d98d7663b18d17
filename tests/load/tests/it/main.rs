//! The load against databases, and as a program.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy knows test functions, but not their helpers"
)]

mod common;

mod aerospike;
mod binary;
mod redis;
