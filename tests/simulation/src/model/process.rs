//! One process of a database, from its start to its end.

/// One process of a database. A container that starts again is a new one, even
/// where it finds the data of the last one.
#[derive(Debug, Clone)]
pub struct Process {
    /// Whether it belongs to the cluster that is looked after, not to another.
    pub ours: bool,
    /// The replica's number; 0 for another cluster's.
    pub slot: u64,
    /// The last byte of its address.
    pub address: u8,
    /// The host that it runs on.
    pub host: usize,
    /// When it started.
    pub started: u64,
    /// Its end.
    pub died: Option<Death>,
}

impl Process {
    /// Whether it runs.
    pub fn is_alive(&self) -> bool {
        self.died.is_none()
    }
}

/// How a process came to its end.
#[derive(Debug, Clone, Copy)]
pub struct Death {
    /// When.
    pub at: u64,
    /// Why.
    pub cause: Cause,
}

/// Why a process came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The workers let it go.
    Released,
    /// It was killed, or stopped without being let go.
    Fault,
}
