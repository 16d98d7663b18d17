//! What a database itself says of its cluster.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use meshworker_lab::Tools;

/// What all members together say of their cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// The members' own ids.
    pub nodes: BTreeSet<String>,
    /// Nodes that some member remembers and cannot reach.
    pub departed: BTreeSet<String>,
    /// Who is asked before a replica takes over: without a majority of them nobody does. None where all are equal.
    pub masters: BTreeSet<Ipv4Addr>,
}

/// A database under test: its stack, and how to ask it.
pub trait Database: Send + Sync {
    /// Its name, such as `redis`.
    fn name(&self) -> &'static str;

    /// Its stack file.
    fn stack(&self) -> PathBuf;

    /// The service of its members.
    fn service(&self) -> &'static str;

    /// What the stack file's variables are set to.
    fn env(&self) -> Vec<(String, String)>;

    /// Whether a member that restarts finds its data again.
    fn keeps_data(&self) -> bool;

    /// Whether the members at these addresses are one healthy cluster of
    /// exactly themselves; what is seen instead otherwise. Departed nodes that
    /// are still remembered are listed, and no fault.
    ///
    /// # Errors
    ///
    /// What was seen instead.
    fn cluster(&self, tools: &Tools<'_>, members: &[Ipv4Addr]) -> Result<Cluster, String>;

    /// Writes `count` records.
    ///
    /// # Errors
    ///
    /// What the database said.
    fn write(&self, tools: &Tools<'_>, member: Ipv4Addr, count: usize) -> Result<(), String>;

    /// How many of the `count` records can be read.
    ///
    /// # Errors
    ///
    /// What the database said.
    fn read(&self, tools: &Tools<'_>, member: Ipv4Addr, count: usize) -> Result<usize, String>;
}
