//! Points in time, as plain numbers: this crate has no clock of its own.

use std::time::Duration;

use serde::Serialize;

/// A point in time, as the time since the worker started.
///
/// Whoever calls the decision supplies it; only differences mean anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
pub struct Moment(pub Duration);

impl Moment {
    /// The time from `earlier` to this moment; zero when `earlier` lies later.
    pub fn since(self, earlier: Moment) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// This moment moved into the future by `time`.
    pub fn plus(self, time: Duration) -> Moment {
        Moment(self.0.saturating_add(time))
    }
}
