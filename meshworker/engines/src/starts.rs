//! When a member's database is started.

use std::net::IpAddr;
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
    pub unasked: fn(&Disk, &Own) -> Option<Start>,
    /// The name of the database's data in the slot's directory: what is renamed where it is
    /// put aside.
    pub data: &'static str,
    /// The variables that a worker may set: no other one is passed on.
    pub variables: &'static [&'static str],
}

/// What a supervisor knows of its own member, before its database is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Own {
    /// The replica's number.
    pub slot: u64,
    /// The number of the slot under whose name the others look for its data: its own one,
    /// unless the data came from another slot.
    pub known_as: u64,
    /// Where it is now: another one after each restart, perhaps.
    pub address: IpAddr,
    /// Where clients reach it there.
    pub port: u16,
    /// Whether they speak TLS.
    pub tls: bool,
}
