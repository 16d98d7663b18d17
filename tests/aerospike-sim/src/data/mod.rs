//! The records of a node, in memory or in files, and the book-keeping of which copies are where. No sockets here.

mod journal;
mod namespace;
mod partition;
mod store;

pub(crate) use namespace::{Namespace, Offer, Parcel};
pub(crate) use partition::{Entry, Partition, Record};
pub(crate) use store::{Applied, Errand, Remaining, Store};

use crate::{PARTITIONS, hash};

/// The partition that a key belongs to.
pub(crate) fn partition_of(key: &str) -> u16 {
    (hash::bytes(key.as_bytes()) % u64::from(PARTITIONS)) as u16
}
