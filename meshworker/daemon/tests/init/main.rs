//! The supervisor as a real process, with shell scripts for databases and a
//! worker of the test's own.
//!
//! Every wait is for a condition, and ends with what was last seen.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, and its helpers are not known to clippy as tests"
)]
#![allow(
    clippy::disallowed_types,
    reason = "real processes run on real time, which no test can pause"
)]

mod alone;
mod bad_input;
mod health;
mod leaving;
mod process;
mod proof;
mod rights;
mod slot;
mod started;
mod support;
mod told;
