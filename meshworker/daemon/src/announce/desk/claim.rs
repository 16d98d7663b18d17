//! Whose word on a member counts.
//!
//! One member speaks for itself: the connection comes from the address that is
//! announced. Others are heard only where nobody contradicts them.

use super::entry::{Entry, Key};
use super::roll::Roll;
use crate::announce::{Announcement, Phase};
use meshworker_core::Place;

/// Who announces a member, as far as the connection shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Speaker {
    /// Somebody who knows the token, from another address.
    Other,
    /// The member: the connection comes from its address.
    Itself,
}

/// Why an announcement is not heard. The text goes to whoever sent it, and says
/// nothing about anybody but the address and the slot that he named.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// As many members as a cluster can have announce themselves already.
    #[error("{0} members announce themselves already")]
    Full(usize),
    /// It comes from elsewhere, and no witness knows the address.
    #[error(
        "address: found {address} from another address; allowed: the one that the announcement \
         comes from, or one that DNS or Docker lists"
    )]
    Elsewhere {
        /// What was announced.
        address: Place,
    },
    /// Somebody speaks for this address already.
    #[error(
        "address: found {address}, for which {slot} speaks; allowed: its own word until it is \
         silent for some seconds"
    )]
    Taken {
        /// What was announced.
        address: Place,
        /// Who is there.
        slot: String,
    },
}

impl Roll {
    /// Whether this may be noted, and whoever it takes the place of.
    pub(super) fn judge(&self, said: &Announcement, speaker: Speaker) -> Result<Vec<Key>, Refused> {
        let address = said.place();
        let key = Key::of(said);
        let own = self.members.get(&key);
        if speaker == Speaker::Other {
            let vouched = self.findings.as_ref();
            let vouched = vouched.is_some_and(|findings| findings.vouched(said.address));
            // Which of several it is at its address, only a member says itself.
            if !vouched || said.port.is_some() {
                return Err(Refused::Elsewhere { address });
            }
        }
        // Its own word on this very task is not replaced by others'.
        let before = own.filter(|entry| entry.speaker != Speaker::Other);
        if let Some(entry) = before.filter(|_| speaker == Speaker::Other) {
            return Err(taken(address, entry));
        }
        let mut gives_way = Vec::new();
        let there = self.members.iter();
        for (other, entry) in
            there.filter(|(other, entry)| entry.said.place() == address && **other != key)
        {
            match (speaker, entry.speaker) {
                (Speaker::Itself, Speaker::Other) => gives_way.push(other.clone()),
                // An address that is free again is somebody else's soon.
                (Speaker::Itself, Speaker::Itself)
                    if matches!(entry.said.phase, Phase::Stopping | Phase::Ended) =>
                {
                    gives_way.push(other.clone());
                }
                _ => return Err(taken(address, entry)),
            }
        }
        Ok(gives_way)
    }

    /// Whether another task that has this slot came first, and is not about to
    /// end: then this one is known by its address alone.
    pub(super) fn came_second(&self, entry: &Entry) -> bool {
        let first = |other: &Entry| {
            other.said.member() == entry.said.member()
                && other.said.place() != entry.said.place()
                && other.position < entry.position
                && !matches!(
                    other.said.phase,
                    Phase::Stopping | Phase::Ended | Phase::Waiting
                )
        };
        entry.said.phase != Phase::Waiting && self.members.values().any(first)
    }
}

pub(super) fn taken(address: Place, entry: &Entry) -> Refused {
    Refused::Taken {
        address,
        slot: entry.said.member().to_string(),
    }
}
