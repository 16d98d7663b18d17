//! What the rest of the process reads of its group at any instant.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use meshworker_core::{Authority, Moment};
use meshworker_group::Hello;
use tokio::sync::watch;

use super::clock;
use crate::status::GroupStatus;

/// What the rest of the process reads of its group at any instant.
#[derive(Debug)]
pub(super) struct Shared {
    held: Mutex<Held>,
    hello: Mutex<Option<Hello>>,
    status: Mutex<Arc<GroupStatus>>,
    changed: watch::Sender<u64>,
}

#[derive(Debug)]
struct Held {
    authority: Authority,
    /// Until then nobody else can hold it.
    until: Moment,
}

impl Shared {
    /// Nothing is known yet.
    pub(super) fn new() -> Shared {
        Shared {
            held: Mutex::new(Held {
                authority: Authority::Yielded("it has just begun".into()),
                until: Moment::default(),
            }),
            hello: Mutex::default(),
            status: Mutex::default(),
            changed: watch::Sender::new(0),
        }
    }

    /// Whether this worker may act at this moment.
    pub(super) fn authority(&self) -> Authority {
        let held = lock(&self.held);
        if held.authority.fence().is_some() && clock::now() >= held.until {
            return Authority::Yielded(
                "nobody, as far as is known: most of the workers have not confirmed this one lately"
                    .into(),
            );
        }
        held.authority.clone()
    }

    /// Notes whether it may act, and until when that is sure.
    pub(super) fn hold(&self, authority: Authority, until: Moment) {
        let changed = {
            let mut held = lock(&self.held);
            let changed = held.authority != authority;
            *held = Held { authority, until };
            changed
        };
        if changed {
            self.changed.send_modify(|number| *number += 1);
        }
    }

    /// Resolves when the authority has changed since this was called. May be cancelled.
    pub(super) async fn changed(&self) {
        // The sender is ours, so there is always one.
        let _ = self.changed.subscribe().changed().await;
    }

    /// What this worker says of itself.
    pub(super) fn hello(&self) -> Option<Hello> {
        lock(&self.hello).clone()
    }

    /// Notes what it says of itself, and what operators are shown.
    pub(super) fn show(&self, hello: Hello, status: GroupStatus) {
        *lock(&self.hello) = Some(hello);
        *lock(&self.status) = Arc::new(status);
    }

    /// What operators are shown.
    pub(super) fn status(&self) -> Arc<GroupStatus> {
        Arc::clone(&lock(&self.status))
    }
}

/// Each change is whole when the lock is given back.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
