//! The etcd engine against real servers: Debian's `etcd` is taken where it is installed, and
//! fetched once where it is not.

// Helpers of tests fail as tests do.
#![allow(clippy::panic, clippy::unwrap_used)]

mod fleet;
mod grows;
mod hurt;
mod login;
mod loses;
mod papers;
mod program;
mod sealed;
mod updates;
mod writer;
