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

/// So many looks are spent on a name server that says nothing of nobody's name.
const TRIES: u8 = 3;

/// What was heard last, for comparison.
#[derive(Debug, Default)]
pub(super) struct Usual(Mutex<Last>);

#[derive(Debug, Default)]
struct Last {
    addresses: BTreeSet<IpAddr>,
    /// How often others were heard since, and nothing of nobody's name.
    doubts: u8,
}

impl Usual {
    /// Whether somebody is listed there, and nobody of whom was heard last.
    pub(super) fn is_unlike(&self, heard: &Heard) -> bool {
        !heard.addresses.is_empty() && self.last().addresses.is_disjoint(&heard.addresses)
    }

    /// Remembers this answer, if it lists anybody.
    pub(super) fn note(&self, heard: &Heard) {
        if !heard.addresses.is_empty() {
            *self.last() = Last {
                addresses: heard.addresses.clone(),
                doubts: 0,
            };
        }
    }

    /// Nothing was heard of nobody's name: it is believed, and remembered only when
    /// that is how it stays.
    pub(super) fn doubt(&self, heard: &Heard) {
        let doubts = self.last().doubts + 1;
        match doubts < TRIES {
            true => self.last().doubts = doubts,
            false => self.note(heard),
        }
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Last> {
        // A whole value is put in or read: nothing can be half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
