//! Where a worker reads, at any instant, whether it may act.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use meshworker_core::{Authority, Change, Fence};

/// Something that may not be done twice, nor by a worker that acts no more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Intended {
    /// What kind of change it is.
    pub change: Change,
    /// Whom it concerns: a member, or the request that names it.
    pub target: String,
    /// What it rests on, for people.
    pub why: String,
}

/// Where a worker reads, at any instant, whether it may act: the seam to whatever makes
/// several workers agree on one of them.
pub trait Mandate: Send + Sync + std::fmt::Debug {
    /// Whether this worker may act at this very moment, and under which fence. It is read
    /// before each look, and again right before each act and each word to a member, so it
    /// must answer at once, and say no as soon as nobody could contradict another's yes.
    fn authority(&self) -> Authority;

    /// Resolves when the authority may have changed, which only wakes the worker. May be
    /// cancelled.
    fn changed(&self) -> BoxFuture<'_, ()>;

    /// Makes known to all workers that this is about to be done, and returns its number once
    /// most of them have written it down: whoever acts after this one knows of it. Cancelled,
    /// it may be known all the same, and is withdrawn.
    ///
    /// # Errors
    ///
    /// Says why it must not be done: this worker acts no more, or cannot say so in time.
    fn intend(&self, intended: Intended) -> BoxFuture<'_, Result<Fence, String>>;

    /// Members have heard of this number from workers: whoever acts is to do so under a higher
    /// one.
    fn heard(&self, fence: Fence);

    /// Makes known what became of it: what the node replied, or why nobody knows.
    fn done(&self, fence: Fence, outcome: Result<String, String>);
}

/// One worker alone, which may always act.
#[derive(Debug, Clone, Copy, Default)]
pub struct Alone;

impl Mandate for Alone {
    fn authority(&self) -> Authority {
        Authority::alone().clone()
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        std::future::pending().boxed()
    }

    fn intend(&self, _: Intended) -> BoxFuture<'_, Result<Fence, String>> {
        std::future::ready(Ok(Fence::default())).boxed()
    }

    fn heard(&self, _: Fence) {}

    fn done(&self, _: Fence, _: Result<String, String>) {}
}
