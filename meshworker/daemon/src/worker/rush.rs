//! A floor between passes that news cause.

use std::time::Duration;

use super::cadence::SHORTEST;

/// So many passes in a row may follow news at once: more than a member that comes
/// or goes makes, by all witnesses together.
const FREE: u32 = 8;

/// The longest that news wait: one source that never rests then causes a pass a
/// second, and whoever else has news waits no longer than in a calm worker's pass.
const LONGEST: Duration = Duration::from_secs(1);

/// News end a pause at once, unless they never end: whoever can speak to the worker
/// could otherwise keep it, and every database, busy without a pause.
#[derive(Debug, Default)]
pub struct Rush {
    /// How many passes in a row news have caused; a pause that nothing ended
    /// takes half of them away.
    caused: u32,
}

impl Rush {
    /// How long news wait after a pass that was at work for so long.
    pub fn floor(&self, worked: Duration) -> Duration {
        let doublings = self.caused.saturating_sub(FREE).min(16);
        let floor = SHORTEST.max(worked).saturating_mul(1 << doublings);
        floor.min(LONGEST)
    }

    /// Notes whether news ended the pause.
    pub fn note(&mut self, by_news: bool) {
        self.caused = match by_news {
            true => self.caused.saturating_add(1).min(FREE + 16),
            false => self.caused / 2,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many passes there are in this time, when there are always news.
    fn passes_within(time: Duration, worked: Duration) -> u32 {
        let (mut rush, mut now, mut passes) = (Rush::default(), Duration::ZERO, 0);
        while now < time {
            now += worked + rush.floor(worked);
            rush.note(true);
            passes += 1;
        }
        passes
    }

    #[test]
    fn a_member_that_changed_with_each_announcement_drove_a_hundred_passes_a_second() {
        let quick = passes_within(Duration::from_secs(60), Duration::from_millis(1));
        assert!(quick <= 75, "{quick}");
        // A pass that is long is not half of the time either.
        let long = passes_within(Duration::from_secs(60), Duration::from_millis(500));
        assert!(long <= 60, "{long}");
    }

    #[test]
    fn a_member_that_comes_is_not_waited_with() {
        let mut rush = Rush::default();
        for _ in 0..FREE {
            assert_eq!(rush.floor(Duration::ZERO), SHORTEST);
            rush.note(true);
        }
        // After a flood it is as before within a few pauses.
        (0..100).for_each(|_| rush.note(true));
        assert_eq!(rush.floor(Duration::ZERO), LONGEST);
        (0..2).for_each(|_| rush.note(false));
        assert_eq!(rush.floor(Duration::ZERO), SHORTEST);
    }
}
