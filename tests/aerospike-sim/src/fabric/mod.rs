//! The fabric: records on their way between nodes, over a port of their own.
//!
//! ```text
//! client ──sim-put──> asked node ──Write──> master ──Replicate──> replicas
//!                                 after a change of members:  holder ──Offer, Push──> new owner
//! ```

mod access;
mod client;
mod message;
mod migration;
mod server;

pub(crate) use access::{check, count, get, put};
pub(crate) use client::FabricClient;
pub(crate) use migration::migrate;
pub(crate) use server::serve;
