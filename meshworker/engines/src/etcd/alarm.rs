//! What is wrong with an etcd member, by its own word.

use std::fmt;

use serde::Serialize;

/// What is wrong with a member. etcd raises an alarm by itself, and keeps it until somebody
/// takes it back; we never do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Alarm {
    /// Its store is full: writes are refused, everywhere.
    NoSpace,
    /// Its data differs from that of the others.
    Corrupt,
    /// One that a newer etcd has.
    Other,
}

impl Alarm {
    /// By etcd's name for it.
    pub fn named(name: &str) -> Alarm {
        match name {
            "NOSPACE" => Alarm::NoSpace,
            "CORRUPT" => Alarm::Corrupt,
            _ => Alarm::Other,
        }
    }

    /// Whether nothing at all may be changed before somebody has looked.
    pub fn forbids_everything(self) -> bool {
        self == Alarm::Corrupt
    }

    /// What to do about it.
    pub fn advice(self) -> &'static str {
        match self {
            Alarm::NoSpace => {
                "its store is full: compact, then defragment each member, then disarm the alarm"
            }
            Alarm::Corrupt => {
                "its data differs from that of the others: find out which of them is right \
                 before anything else, then remove the wrong one and let it come back empty"
            }
            Alarm::Other => "see the documentation of this version of etcd",
        }
    }
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Alarm::NoSpace => "NOSPACE",
            Alarm::Corrupt => "CORRUPT",
            Alarm::Other => "an unknown alarm",
        })
    }
}
