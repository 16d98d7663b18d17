//! The simulated server, and the AllegroGraph engine against several of them: processes that
//! are killed, hang, forget, and write their status in each shape that a real one may have.

// Helpers of tests fail as tests do.
#![allow(clippy::panic, clippy::unwrap_used)]

mod api;
mod client;
mod conformance;
mod fleet;

mod hurt;
mod life;
mod pods;
mod secret;
mod shapes;
