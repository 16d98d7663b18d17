//! Writes and reads a database without a pause while things are done to it,
//! and counts: what was acknowledged, what of it can still be read, and how
//! long clients had to wait.
//!
//! ```text
//!   fill     key:1 .. key:N, all acknowledged
//!   run      a writer of w:1, w:2, w:3, ... and a reader of all that is there
//!   verify   reads back every record and every acknowledged write
//! ```
//!
//! A write is repeated with the same key and value until it is acknowledged,
//! so the acknowledged ones are w:1 to w:LAST, and one whose outcome is unknown
//! is never counted as lost.

mod aerospike;
mod client;
mod fill;
mod journal;
mod meter;
mod options;
mod persist;
mod random;
mod record;
mod redis;
mod report;
mod run;
mod seed;
mod shared;
mod verify;

pub use fill::fill;
pub use options::{DatabaseKind, Options, Phase};
pub use report::{Report, Verified};
pub use run::run;
pub use seed::Seed;
pub use verify::verify;
