//! When a member's database is started.

use std::path::Path;

use meshworker_core::{Disk, Start};

/// When a member's database is started.
#[derive(Debug, Clone, Copy)]
pub enum Starts {
    /// As soon as its slot's directory is its own.
    AtOnce,
    /// Once a worker says how.
    WhenNominated(Nominated),
}

/// What the supervisor of a member needs to know that is started when nominated.
#[derive(Debug, Clone, Copy)]
pub struct Nominated {
    /// Reads what is in the slot's directory. Changes nothing there, and reads little.
    pub disk: fn(&Path) -> Disk,
    /// How one that has this on its disk starts without asking anybody; none where it has
    /// to ask.
    pub unasked: fn(&Disk) -> Option<Start>,
    /// The variables that a worker may set: no other one is passed on.
    pub variables: &'static [&'static str],
}
