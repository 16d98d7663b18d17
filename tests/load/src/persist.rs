//! Trying again until it is done.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::client::Setback;

/// The pause before what failed is tried again: short beside any stall worth
/// measuring, long enough not to flood a database that is about to recover.
const RETRY: Duration = Duration::from_millis(20);

/// Tries until it is done; gives up, with the last setback, `patience` after
/// the first attempt began.
pub(crate) async fn persist<T>(
    patience: Duration,
    mut attempt: impl AsyncFnMut() -> Result<T, Setback>,
) -> Result<T, Setback> {
    let begin = Instant::now();
    loop {
        let setback = match attempt().await {
            Ok(done) => return Ok(done),
            Err(setback) => setback,
        };
        if begin.elapsed() >= patience {
            return Err(setback);
        }
        sleep(RETRY).await;
    }
}
