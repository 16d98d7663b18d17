//! When to look again.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use meshworker_core::{Pace, Planner, Release};
use tokio::time::Instant;

use super::pass::Pass;
use crate::clock::jittered;

/// The shortest pause: a member that starts is joined within a fraction of a
/// second, and a pass over three members costs about a millisecond.
pub(super) const SHORTEST: Duration = Duration::from_millis(50);

/// The longest pause while something is unsettled, however long it lasts.
const UNSETTLED: Duration = Duration::from_secs(1);

/// The pause while a hold or a removal window runs.
const WATCHFUL: Duration = Duration::from_millis(500);

/// Looks often while something moves, ever less often while nothing does, and
/// calmly when nothing is open.
#[derive(Debug)]
pub struct Cadence {
    interval: Duration,
    moved: Option<Instant>,
    last_seen: u64,
}

impl Cadence {
    /// A cadence that looks every `interval` when nothing is open.
    pub fn new(interval: Duration) -> Cadence {
        Cadence {
            interval,
            moved: None,
            last_seen: 0,
        }
    }

    /// How long to wait after this pass.
    pub fn pause<P: Planner>(&mut self, pass: &Pass<P>) -> Duration {
        let now = Instant::now();
        let seen = digest(pass);
        if seen != self.last_seen || !pass.done.is_empty() {
            self.last_seen = seen;
            self.moved = Some(now);
        }
        let still = now - self.moved.unwrap_or(now);
        let pause = match pass.plan.pace {
            // A fortieth of the time that nothing has moved: 50 ms for the
            // first two seconds, 300 ms after twelve.
            Pace::AtOnce => return Duration::ZERO,
            Pace::Quick => (still / 40).clamp(SHORTEST, UNSETTLED),
            Pace::Watchful => WATCHFUL.min(self.interval),
            Pace::Calm => self.interval,
        };
        // Never more than half of the time in passes, however large the cluster.
        jittered(pause.max(pass.worked()), 10)
    }

    /// The longest pause after a pass with this pace, if it was no longer at work
    /// than that.
    pub fn longest(&self, pace: Pace) -> Duration {
        let pause = match pace {
            // What is found while something moves holds for less, whatever the pause.
            Pace::AtOnce | Pace::Quick | Pace::Watchful => Duration::ZERO,
            Pace::Calm => self.interval,
        };
        pause * 11 / 10
    }
}

/// What the pass saw, as far as a change of it means that something moves.
fn digest<P: Planner>(pass: &Pass<P>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for report in &pass.observed.reports {
        report.grade.to_string().hash(&mut hasher);
        for sighting in &report.sightings {
            sighting.address.hash(&mut hasher);
            sighting.presence.to_string().hash(&mut hasher);
        }
    }
    for (address, answer) in &pass.observed.answers {
        address.hash(&mut hasher);
        answer.as_ref().map(|view| view.size).ok().hash(&mut hasher);
    }
    for leaver in &pass.plan.leavers {
        leaver.address.hash(&mut hasher);
        leaver.progress.as_ref().map(|p| p.left).hash(&mut hasher);
        match &leaver.release {
            Release::Granted => None,
            Release::Held { gate, .. } => Some(*gate),
        }
        .hash(&mut hasher);
    }
    hasher.finish()
}
