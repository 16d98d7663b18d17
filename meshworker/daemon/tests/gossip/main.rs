//! The gossip router beside real members of JGroups, each in a Java machine of its own.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod demos;
mod generations;
mod java;
mod members;
mod routers;
mod several;
