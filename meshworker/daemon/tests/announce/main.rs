//! Announcements over real HTTP: what they bring about, what is refused, and
//! who is let go.
//!
//! Every wait is for a condition, and ends with what was last seen.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, and its helpers are not known to clippy as tests"
)]

mod acting;
mod authority;
mod between;
mod formation;
mod greedy;
mod leaving;
mod log;
mod made_up;
mod post;
mod proof;
mod pushed;
mod refused;
mod second_look;
mod started;
#[allow(
    dead_code,
    unused_imports,
    reason = "shared with the tests of the worker, which need more of it"
)]
#[path = "../worker/support/mod.rs"]
mod support;
mod toy;
