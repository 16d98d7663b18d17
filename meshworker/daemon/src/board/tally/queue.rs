//! Whether the leave queue moves.
use std::time::SystemTime;

use crate::board::Look;
use meshworker_core::Place;

/// What the leave queue was, and when it last was something else.
#[derive(Debug, Default)]
pub struct Queue {
    was: Vec<(Place, Option<u64>, bool)>,
    moved: Option<SystemTime>,
}

impl Queue {
    /// When somebody last came, went, was let go or handed something over; the
    /// time of this look when nobody is in the queue.
    pub fn note(&mut self, look: &Look) -> SystemTime {
        let is: Vec<_> = look
            .leavers
            .iter()
            .map(|leaver| {
                let left = leaver.progress.as_ref().map(|progress| progress.left);
                (leaver.address, left, leaver.release.is_granted())
            })
            .collect();
        let stands = self.moved.filter(|_| !is.is_empty() && is == self.was);
        let moved = stands.unwrap_or(look.time);
        self.was = is;
        self.moved = Some(moved);
        moved
    }
}
