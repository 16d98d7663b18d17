//! Where a worker reads, at any instant, whether it may act.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use meshworker_core::Authority;

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
}
