//! What the demo must know of a database.

use anyhow::Result;
use meshworker_lab::Tools;

/// One database.
pub trait Driver {
    /// The stack files, from the workspace's root.
    fn files(&self) -> &'static [&'static str];

    /// The variables in them.
    fn environment(&self) -> Vec<(&'static str, &'static str)>;

    /// The service whose replicas become one cluster.
    fn service(&self) -> &'static str;

    /// Writes the records `1..=count`, and returns how many the database has confirmed.
    fn write(&self, tools: &Tools<'_>, count: usize) -> Result<usize>;

    /// Reads the records `1..=count`, and returns how many are there and right.
    fn read(&self, tools: &Tools<'_>, count: usize) -> Result<usize>;

    /// A query to try by hand, as typed in the tools container.
    fn query(&self) -> &'static str;
}
