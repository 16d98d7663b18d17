//! The group's clock.

use std::time::Duration;

use meshworker_core::Moment;
use rustix::time::{ClockId, clock_gettime};

/// What time it is for a group: the time since this machine was started, which goes on
/// while the machine sleeps. A worker that slept knows that others may lead by now.
pub(super) fn now() -> Moment {
    let time = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanos = u32::try_from(time.tv_nsec).unwrap_or_default();
    Moment(Duration::new(seconds, nanos))
}
