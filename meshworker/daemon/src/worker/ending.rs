//! When a worker that is told to stop has done all that waits for it.

use std::time::Duration;

use tokio::time::Instant;

/// Whoever is stopped together with the worker says so within this time.
const TOGETHER: Duration = Duration::from_secs(2);

/// Swarm kills a worker ten seconds after it has told it to stop.
const LATEST: Duration = Duration::from_secs(8);

/// A worker goes down together with its members when the whole stack is removed:
/// then it is the only one that can tell them that everybody goes. So it looks on
/// for a moment, and as long as one of them waits for its word.
#[derive(Debug, Default)]
pub struct Ending {
    told: Option<Instant>,
}

impl Ending {
    /// Whether a worker that has been told to stop, and at whose desk so many
    /// members announce themselves and so many of them wait to be let go, is done.
    pub fn is_over(&mut self, announced: usize, waiting: usize) -> bool {
        let age = self.told.get_or_insert_with(Instant::now).elapsed();
        announced == 0 || age >= LATEST || (age >= TOGETHER && waiting == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn members_were_left_without_a_word_by_the_worker_that_went_with_them() {
        let mut ending = Ending::default();
        assert!(!ending.is_over(3, 0), "they may say it yet");
        tokio::time::advance(TOGETHER).await;
        assert!(!ending.is_over(3, 1));
        assert!(ending.is_over(3, 0), "nobody waits");
        assert!(ending.is_over(0, 0), "nobody is there");
        tokio::time::advance(LATEST).await;
        assert!(ending.is_over(3, 3), "no longer than Swarm allows");
        assert!(Ending::default().is_over(0, 0));
    }
}
