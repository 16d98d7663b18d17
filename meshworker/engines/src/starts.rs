//! When a member's database is started.

use std::net::IpAddr;
use std::path::Path;

use meshworker_core::{Disk, Start};

use crate::Access;

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
    /// How one that has this on its disk starts where no worker answers; none where it has to
    /// be told.
    pub unasked: fn(&Disk, &Own) -> Option<Start>,
    /// The name of the database's data in the slot's directory: what is renamed where it is
    /// put aside.
    pub data: &'static str,
    /// The variables that a worker may set: no other one is passed on.
    pub variables: &'static [&'static str],
    /// Whether one may wait for ever: then it leads clients of the database's port to
    /// members that serve, and is healthy once those were one cluster at rest.
    pub spares: bool,
    /// Whether one whose database was ended by a signal waits anew in its container, and
    /// keeps its address; else its container ends with it.
    pub in_place: bool,
    /// How its data is copied from a member that runs to one that waits; none where the
    /// database does that by itself.
    pub copying: Option<Copying>,
}

/// How a database's data is copied to another member.
#[derive(Debug, Clone, Copy)]
pub struct Copying {
    /// What writes a copy of the data of the database at this address to its standard
    /// output, while that runs.
    pub send: fn(&Access, IpAddr) -> Start,
    /// What reads such a copy from its standard input, and unpacks it where it is started.
    pub unpack: &'static [&'static str],
    /// What makes it usable then, started there too.
    pub finish: &'static [&'static str],
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
