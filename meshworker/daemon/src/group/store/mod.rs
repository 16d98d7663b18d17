//! Where this worker's part in its group is kept: in a file of its own, or nowhere.
//!
//! ```text
//! me        one row: which store it is, its group, its term and vote, what is cut off
//! snapshot  one row at most: all that was applied up to an entry
//! entries   the log behind what is cut off
//! ```
//!
//! One [`meshworker_group::Save`] is one transaction, and is on the disk when it is done: vote, log and snapshot
//! cannot disagree, whenever the power fails. What was kept is read once, when the worker begins.

mod error;
mod memory;
mod rows;
mod sqlite;
#[cfg(test)]
mod tests;

pub use error::StoreError;
pub use memory::Memory;
pub use sqlite::{FILE, Sqlite};
