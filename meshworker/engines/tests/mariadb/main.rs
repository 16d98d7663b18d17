//! The MariaDB engine against real servers: Debian's packages are taken where they are
//! installed, and fetched and unpacked once where they are not.

// Helpers of tests fail as tests do.
#![allow(clippy::panic, clippy::unwrap_used)]

mod fails_over;
mod fleet;
mod jgroups;
mod measure;
mod program;
mod server;
mod traps;
mod writer;
