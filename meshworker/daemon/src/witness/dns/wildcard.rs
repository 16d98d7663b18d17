//! Name servers that answer to every name, as some providers' and companies' do.
//!
//! The engine knows the names of its services. Whatever else it is asked for it
//! passes on, and such a server then says of a service that was just removed, or has
//! no healthy replica, that it is at the address of a stranger.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::heard::Heard;

/// A name that nobody has: "invalid" is reserved for that.
///
/// Source: RFC 6761, section 6.4.
pub(super) const NOBODYS: &str = "meshworker.invalid.";

/// How long it may take to hear of nobody's name. A server that is slower is
/// believed: joining must not wait for it.
pub(super) const PATIENCE: Duration = Duration::from_millis(300);

/// What was heard last, for comparison.
#[derive(Debug, Default)]
pub(super) struct Usual(Mutex<BTreeSet<IpAddr>>);

impl Usual {
    /// Whether somebody is listed there, and nobody of whom was heard last.
    pub(super) fn is_unlike(&self, heard: &Heard) -> bool {
        !heard.addresses.is_empty() && self.addresses().is_disjoint(&heard.addresses)
    }

    /// Remembers this answer, if it lists anybody.
    pub(super) fn note(&self, heard: &Heard) {
        if !heard.addresses.is_empty() {
            self.addresses().clone_from(&heard.addresses);
        }
    }

    fn addresses(&self) -> std::sync::MutexGuard<'_, BTreeSet<IpAddr>> {
        // A whole set is put in or read: nothing can be half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
