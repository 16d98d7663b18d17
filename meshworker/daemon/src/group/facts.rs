//! Facts that wait to be written into the log.

use std::time::Duration;

use meshworker_core::Moment;
use meshworker_group::{AN_ENTRY, Told};

/// What happens in one breath is one entry; then there is one a second at the most.
const BREATH: Duration = Duration::from_millis(20);
const A_WHILE: Duration = Duration::from_secs(1);

/// What stands around facts in an entry, in bytes.
const ITS_NAME: usize = 64;

/// So many facts wait to be written. More at once are told to the log alone.
const MOST: usize = 256;

/// Facts that wait to be written into the log.
#[derive(Default)]
pub(super) struct Facts {
    waiting: Vec<Told>,
    /// Since when they wait, and when some were written last.
    since: Option<Moment>,
    written: Option<Moment>,
}

impl Facts {
    /// One more, where there is room.
    pub(super) fn push(&mut self, told: Told, now: Moment) {
        if self.waiting.len() < MOST && told.length() + 1 < AN_ENTRY - ITS_NAME {
            self.waiting.push(told);
            self.since.get_or_insert(now);
        }
    }

    /// Whether it is time to write them.
    pub(super) fn are_due(&self, now: Moment) -> bool {
        let rests = self.written.is_some_and(|last| now.since(last) < A_WHILE);
        let waits = self.since.is_some_and(|since| now.since(since) >= BREATH);
        waits && !rests
    }

    /// The first of them, as many as fit into one entry; none where there are none.
    pub(super) fn an_entry(&self) -> Option<Vec<Told>> {
        let mut bytes = 0;
        let fit = self.waiting.iter().take_while(move |told| {
            bytes += 1 + told.length();
            bytes < AN_ENTRY - ITS_NAME
        });
        (!self.waiting.is_empty()).then(|| fit.cloned().collect())
    }

    /// So many of them are in the log.
    pub(super) fn are_told(&mut self, many: usize) {
        self.waiting.drain(..many);
    }

    /// They are another worker's to tell.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }

    /// All of them are written.
    pub(super) fn are_written(&mut self, now: Moment) {
        (self.since, self.written) = (None, Some(now));
    }
}
