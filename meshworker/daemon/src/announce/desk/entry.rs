//! What one member says of itself, as it stands.

use std::time::Duration;

use meshworker_core::{Place, Presence, Sighting};
use tokio::time::Instant;

use super::claim::Speaker;
use super::patience::Patience;
use crate::announce::{Announcement, Phase};

/// Whoever has not announced itself for this long does not any more. Supervisors
/// renew each second: four may be lost on the way.
pub const EXPIRES: Duration = Duration::from_secs(5);

/// That its database has ended is a supervisor's last word, and is remembered for longer
/// than the others take to notice and a removal is held, together.
pub(super) const LAST_WORD: Duration = Duration::from_secs(30);

/// One task of one slot at one address: a slot may have two for a while, the old
/// and the new. What is said of another address touches nothing here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    service: String,
    slot: u64,
    task: String,
    address: Place,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) said: Announcement,
    /// How many members had come before this one.
    pub(super) position: u64,
    /// When it came.
    pub(super) came: Instant,
    /// When this was said first, as far as it matters to a pass.
    pub(super) since: Instant,
    /// When it was said last.
    pub(super) renewed: Instant,
    pub(super) speaker: Speaker,
    pub(super) patience: Patience,
}

impl Key {
    pub(super) fn of(said: &Announcement) -> Key {
        Key {
            service: said.service.clone(),
            slot: said.slot,
            task: said.task.clone(),
            address: said.place(),
        }
    }
}

impl Entry {
    /// Until when it counts, unless it is said again.
    pub(super) fn expires(&self) -> Instant {
        let last = self.said.phase == Phase::Ended && self.speaker == Speaker::Itself;
        self.renewed + if last { LAST_WORD } else { EXPIRES }
    }

    /// What it says, as a witness does.
    pub(super) fn sighting(&self) -> Sighting {
        let said = &self.said;
        let some = |text: &String| (!text.is_empty()).then(|| text.clone());
        Sighting {
            address: said.place(),
            member: Some(said.member()),
            node: some(&said.node),
            node_name: said.node_name.clone(),
            task: some(&said.task),
            part: None,
            presence: match said.phase {
                // One that waits to be told volunteers: nobody counts on it before.
                Phase::Waiting if said.disk.is_some() => Presence::Spare,
                Phase::Waiting => Presence::Waiting,
                Phase::Present => Presence::Present,
                Phase::Leaving => Presence::Leaving,
                Phase::Stopping => Presence::Stopping,
                Phase::Ended => Presence::Ended,
            },
            disk: said.disk.clone().map(Box::new),
            known_as: said.known_as,
        }
    }
}
