//! How often a node was asked what. Tests assert on it, benches print it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many different names are counted; the rest goes under one name, so that garbage cannot fill the memory.
const MAX_NAMES: usize = 64;
/// The name under which the rest is counted.
const OTHERS: &str = "(others)";

/// What a node has counted since its start, or since the last reset.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Info requests by command name, without parameters; `sim-` commands are not counted.
    pub commands: BTreeMap<String, u64>,
    /// Frames: several commands may have come in one.
    pub round_trips: u64,
    /// Connections accepted on the info port.
    pub connections: u64,
    /// How often a node of another cluster was warned about.
    pub name_warnings: u64,
    /// Requests that 8.1 counts as deprecated.
    pub deprecated: u64,
}

impl Counts {
    /// How often this command was received.
    #[must_use]
    pub fn of(&self, command: &str) -> u64 {
        self.commands.get(command).copied().unwrap_or(0)
    }
}

/// The counters of one node.
#[derive(Debug, Default)]
pub(crate) struct Counters(Mutex<Counts>);

impl Counters {
    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn command(&self, name: &str) {
        let mut counts = self.lock();
        if let Some(count) = counts.commands.get_mut(name) {
            *count += 1;
            return;
        }
        let name = if counts.commands.len() < MAX_NAMES {
            name
        } else {
            OTHERS
        };
        *counts.commands.entry(name.to_owned()).or_default() += 1;
    }

    pub fn round_trip(&self) {
        self.lock().round_trips += 1;
    }

    pub fn connection(&self) {
        self.lock().connections += 1;
    }

    pub fn deprecated(&self) {
        self.lock().deprecated += 1;
    }

    pub fn name_warning(&self) {
        self.lock().name_warnings += 1;
    }

    pub fn snapshot(&self) -> Counts {
        self.lock().clone()
    }

    pub fn reset(&self) {
        *self.lock() = Counts::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_stays_short() {
        let counters = Counters::default();
        for number in 0..1000 {
            counters.command(&format!("made-up-{number}"));
        }
        let counts = counters.snapshot();
        assert_eq!(counts.commands.len(), MAX_NAMES + 1);
        assert_eq!(counts.of(OTHERS), 1000 - MAX_NAMES as u64);
    }
}
