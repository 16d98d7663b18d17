//! What the group's thread is told.

use std::net::IpAddr;

use meshworker_core::Fence;
use meshworker_group::{Hello, Intent, Letter, Ordered, Outcome, StoreId, Told};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// What the group's thread is told.
#[derive(Debug)]
pub(super) enum Event {
    /// A worker said this of itself; with an address, it answered there.
    Heard(Hello, Option<IpAddr>),
    /// A letter came.
    Letter(Letter),
    /// An operator ordered this here.
    Order(Ordered, Reply<u64>),
    /// He ordered it at another worker, which handed it on.
    Handed(Ordered, Reply<u64>),
    /// What became of an order that was handed on.
    Answered(u64, Result<u64, String>),
    /// Something dangerous is about to be done.
    Intend(Intent, Reply<Fence>),
    /// What became of it.
    Done(Fence, Outcome),
    /// Something has happened. Whoever only follows sees the same, and it is told once,
    /// unless only he can know it.
    Tell(Told, bool),
    /// Somebody knows this fence.
    Raise(u64),
    /// Another one is to lead: this one, or any.
    HandOver(Option<StoreId>, Reply<StoreId>),
    /// This store is to be out of the group.
    Remove(StoreId, Reply<()>),
    /// This store is to be a new group's first one, though a majority of its own may live.
    Restart(Reply<()>),
    /// This worker is about to end.
    Leave,
    /// Another worker said so: it has its place among what waits until it is heard.
    Said(Box<Event>, OwnedSemaphorePermit),
}

/// Where the answer goes.
pub(super) type Reply<T> = oneshot::Sender<Result<T, String>>;
