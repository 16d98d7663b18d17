//! Tasks that nobody may lose: one that breaks is told, and started again.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::sleep;
use tracing::error;

/// Before a task that broke is started again: what broke it may still be there.
const PAUSE: Duration = Duration::from_secs(1);

/// Runs what `start` makes until it ends by itself. If it panics, that is told,
/// and `start` makes another one: whatever comes from outside ends no process.
pub(crate) async fn kept<F: Future>(what: &str, mut start: impl FnMut() -> F) -> F::Output {
    loop {
        if let Some(ended) = unless_it_breaks(what, start()).await {
            return ended;
        }
    }
}

/// Runs this until it ends by itself; nothing if it panics, after that was told
/// and a pause.
pub(crate) async fn unless_it_breaks<F: Future>(what: &str, task: F) -> Option<F::Output> {
    // What a task shares with others it changes in whole steps alone.
    match AssertUnwindSafe(task).catch_unwind().await {
        Ok(ended) => Some(ended),
        Err(_) => {
            error!("{what} broke, which is a bug: it is started again");
            sleep(PAUSE).await;
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_panic_ended_a_task_for_good() {
        let mut tries = 0;
        let ended = kept("a task", || {
            tries += 1;
            let now = tries;
            async move {
                assert!(now >= 3, "broken on purpose");
                now
            }
        });
        assert_eq!(ended.await, 3);
    }
}
