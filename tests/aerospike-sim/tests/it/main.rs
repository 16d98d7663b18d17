//! The simulated server from outside: over its ports, in this process or in its own.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy knows test functions, but not their helpers"
)]

mod common;

mod leaving;
mod mesh;
mod misbehaviour;
mod processes;
mod records;
mod replies;
mod world;
