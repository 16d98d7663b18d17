//! A simulated AllegroGraph server: what is known of its HTTP API for multi-master
//! replication, and plausible shapes of what is not.
//!
//! It keeps statements and memberships on disk, copies for as long as it is told, refuses what
//! a real one must refuse, and misbehaves on demand (`PUT /sim/behave`). Instances send each
//! other what they have, so that a writer and readers can count.
#![allow(
    clippy::disallowed_types,
    reason = "a server runs on real time: its copies take as long as it is told"
)]

mod act;
mod behave;
mod http;
mod membership;
mod options;
mod peers;
mod repository;
mod server;
mod status;

pub use options::Options;
pub use status::Shape;

use anyhow::Context;

/// Serves until a signal comes.
///
/// # Errors
///
/// Its port is taken, or its folder cannot be used.
pub fn run(options: Options) -> anyhow::Result<()> {
    if let Some(password) = &options.install {
        return options.install(password);
    }
    let runtime = tokio::runtime::Runtime::new().context("threads")?;
    runtime.block_on(server::serve(options))
}
