//! The Redis engine against real servers: `redis-server` must be installed,
//! else each test says that it is skipped.

// Helpers of tests fail as tests do.
#![allow(clippy::panic, clippy::unwrap_used)]

mod access;
mod growth;
mod safety;
mod servers;

use servers::Servers;

meshworker_conformance::conformance!(Servers::plain().await);
