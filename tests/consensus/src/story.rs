//! What happened, for whoever has to understand a failure.

use std::collections::VecDeque;

/// So many lines are kept: enough to see what led to a failure, and few enough
/// to read.
const LINES: usize = 6000;

/// The last things that happened, with their times.
#[derive(Debug, Clone, Default)]
pub struct Story {
    lines: VecDeque<String>,
}

impl Story {
    /// Adds what happened at `now` (milliseconds).
    pub fn tell(&mut self, now: u64, what: std::fmt::Arguments<'_>) {
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        let seconds = now as f64 / 1000.0;
        self.lines.push_back(format!("{seconds:7.1}  {what}"));
    }

    /// The lines, oldest first.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }
}
