//! Announcements as a witness: the members themselves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use meshworker_core::{Report, Witness};
use tokio::time::Instant;

use super::Desk;
use crate::witness::Source;

/// The members that announce themselves at a desk, as a witness.
#[derive(Debug)]
pub struct AnnounceSource {
    desk: Arc<Desk>,
    /// The number of the news in the last report, so that a change can be noticed.
    reported: AtomicU64,
}

impl AnnounceSource {
    /// A witness that speaks for whoever comes to this desk.
    pub fn new(desk: Arc<Desk>) -> AnnounceSource {
        AnnounceSource {
            desk,
            reported: AtomicU64::new(0),
        }
    }
}

impl Source for AnnounceSource {
    fn witness(&self) -> Witness {
        Witness::Announce
    }

    fn report(&self) -> BoxFuture<'_, Report> {
        async {
            let (report, number) = self.desk.report(Instant::now());
            self.reported.store(number, Ordering::Relaxed);
            report
        }
        .boxed()
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        async {
            let reported = self.reported.load(Ordering::Relaxed);
            self.desk.news_since(reported).await;
        }
        .boxed()
    }
}
