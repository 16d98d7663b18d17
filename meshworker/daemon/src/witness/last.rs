//! What a witness reported last, so that a change can be noticed.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What was reported last; nothing yet.
#[derive(Debug)]
pub(super) struct Last<T>(Mutex<Option<T>>);

impl<T> Default for Last<T> {
    fn default() -> Last<T> {
        Last(Mutex::new(None))
    }
}

impl<T: Clone + PartialEq> Last<T> {
    /// This is reported now.
    pub(super) fn now(&self, seen: T) -> T {
        *self.lock() = Some(seen.clone());
        seen
    }

    /// Whether this is what was reported last.
    pub(super) fn is(&self, seen: &T) -> bool {
        self.lock().as_ref() == Some(seen)
    }

    fn lock(&self) -> MutexGuard<'_, Option<T>> {
        // A whole value is put in or read: nothing can be half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
