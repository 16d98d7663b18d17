//! Who announces itself at a desk, and who of them counts.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use meshworker_core::{Place, Presence, Sighting};
use tokio::time::Instant;

use super::claim::Speaker;
use super::entry::{Entry, Key};
use super::orders::Ordered;
use crate::announce::Findings;

/// Who announces itself, and what the worker found out about them.
#[derive(Debug)]
pub(super) struct Roll {
    pub(super) opened: Instant,
    pub(super) members: BTreeMap<Key, Entry>,
    /// Whom operators' orders have leave, by their addresses.
    pub(super) orders: BTreeMap<Place, Ordered>,
    /// How many members ever came to this desk.
    pub(super) came: u64,
    pub(super) findings: Option<Findings>,
    /// What was not heard, and nobody asked for yet.
    pub(super) refused_news: VecDeque<String>,
}

impl Roll {
    /// Nobody is on it yet.
    pub(super) fn new() -> Roll {
        Roll {
            opened: Instant::now(),
            members: BTreeMap::new(),
            orders: BTreeMap::new(),
            came: 0,
            findings: None,
            refused_news: VecDeque::new(),
        }
    }

    /// Who is at each address: of two that say so the one that came first.
    pub(super) fn believed(&self) -> BTreeMap<Place, &Entry> {
        let mut believed: BTreeMap<Place, &Entry> = BTreeMap::new();
        for entry in self.members.values() {
            let there = believed.entry(entry.said.place()).or_insert(entry);
            if entry.position < there.position {
                *there = entry;
            }
        }
        believed
    }

    pub(super) fn has_its_address(&self, entry: &Entry) -> bool {
        let better = |other: &Entry| {
            other.said.place() == entry.said.place() && other.position < entry.position
        };
        !self.members.values().any(better)
    }

    pub(super) fn sighting(&self, entry: &Entry) -> Sighting {
        let mut sighting = entry.sighting();
        // That it has ended is its own supervisor's word, and nobody else's.
        if sighting.presence == Presence::Ended && entry.speaker != Speaker::Itself {
            sighting.presence = Presence::Stopping;
        }
        let member = sighting.member.filter(|_| !self.came_second(entry));
        Sighting { member, ..sighting }
    }

    /// Takes the place of one for whom no witness speaks, if a witness lists this
    /// address. Whether there is room now.
    pub(super) fn make_room(&mut self, address: IpAddr) -> bool {
        let Some(findings) = &self.findings else {
            return false;
        };
        let stranger = |(_, entry): &(&Key, &Entry)| !findings.vouched(entry.said.address);
        let strangers = self.members.iter().filter(stranger);
        let newest = strangers.max_by_key(|(_, entry)| entry.position);
        let newest = newest.map(|(key, _)| key.clone());
        let key = newest.filter(|_| findings.vouched(address));
        key.is_some_and(|key| self.members.remove(&key).is_some())
    }

    pub(super) fn next_expiry(&self) -> Option<Instant> {
        let members = self.members.values().map(Entry::expires);
        let orders = self.orders.values().map(Ordered::expires);
        members.chain(orders).min()
    }
}
