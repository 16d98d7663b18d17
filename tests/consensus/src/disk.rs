//! Where a store is kept.

use meshworker_group::{Save, Saved, Store, StoreFailed};

/// A store: what a power cut leaves of it, and what the process reads.
#[derive(Debug, Clone)]
pub struct Disk {
    /// What the process finds.
    pub seen: Saved,
    /// What a power cut leaves.
    pub synced: Saved,
    /// Whether it says that it has kept what it has not.
    pub lies: bool,
}

impl Disk {
    /// An empty one.
    pub fn empty(saved: Saved, lies: bool) -> Disk {
        Disk {
            seen: saved.clone(),
            synced: saved,
            lies,
        }
    }

    /// What is there after the power was cut.
    pub fn after_power_cut(self) -> Disk {
        Disk {
            seen: self.synced.clone(),
            ..self
        }
    }

    /// Everything reaches the disk in the end.
    pub fn flush(&mut self) {
        self.synced = self.seen.clone();
    }
}

impl Store for Disk {
    fn save(&mut self, save: &Save) -> Result<(), StoreFailed> {
        self.seen.keep(save);
        if !self.lies {
            self.synced.keep(save);
        }
        Ok(())
    }
}
