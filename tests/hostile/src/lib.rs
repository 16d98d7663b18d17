//! A container that means harm: it is on the members' network, and knows no secret.
//!
//! All attacks run at once, each from a fixed number of connections with a pause
//! between them, until a file appears or the time is up. At the end it says in one line
//! of JSON what it was answered and what it heard.

mod crowd;
mod options;
mod report;
mod requests;
mod traps;

pub use options::Options;
pub use report::{Report, Tally};

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

/// So long whole requests are alone.
const ALONE: Duration = Duration::from_secs(8);

/// All attacks at once, until it is time.
pub async fn attack(options: Options) -> Report {
    let tally = Arc::<Tally>::default();
    let mut attacks = JoinSet::new();
    let end = Instant::now() + Duration::from_secs(options.seconds);
    traps::set(&options, &tally, &mut attacks);
    requests::begin(&options, &tally, &mut attacks);
    // Its own crowd takes its own places: whole requests are answered before.
    sleep(ALONE).await;
    crowd::begin(&options, &tally, &mut attacks);
    while Instant::now() < end && !options.stop_file.exists() {
        sleep(Duration::from_millis(200)).await;
    }
    attacks.shutdown().await;
    tally.report()
}
