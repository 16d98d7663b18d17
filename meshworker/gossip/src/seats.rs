//! Who may have a connection, and who gives way.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::router::ConnectionId;

/// Who has a connection. Whoever has not registered yet is a stranger, and
/// gives way where places are short: of the source that has most of them.
#[derive(Debug)]
pub struct Seats {
    most: usize,
    of_one: usize,
    taken: usize,
    sources: BTreeMap<IpAddr, Source>,
}

#[derive(Debug, Default)]
struct Source {
    /// Each with whether it is a stranger, in the order of coming.
    all: BTreeMap<ConnectionId, bool>,
}

impl Source {
    fn oldest_stranger(&self) -> Option<ConnectionId> {
        let stranger = self.all.iter().find(|(_, stranger)| **stranger);
        stranger.map(|(id, _)| *id)
    }
}

/// What becomes of whoever comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seat {
    /// It has a place.
    Taken,
    /// It has the place of this one, which is to be closed.
    InPlaceOf(ConnectionId),
    /// There is none.
    None,
}

impl Seats {
    /// So many places, and so many of them for one source.
    pub fn of(most: usize, of_one: usize) -> Seats {
        Seats {
            most,
            of_one,
            taken: 0,
            sources: BTreeMap::new(),
        }
    }

    /// How many are taken.
    pub fn taken(&self) -> usize {
        self.taken
    }

    /// Somebody comes from there.
    pub fn enter(&mut self, from: IpAddr, id: ConnectionId) -> Seat {
        let own = self.sources.get(&from).map_or(0, |source| source.all.len());
        if own >= self.of_one {
            return Seat::None;
        }
        let mut seat = Seat::Taken;
        if self.taken >= self.most {
            let greedier = self.sources.iter();
            // Whoever gives way still has as many as whoever comes.
            let greedier = greedier.filter(|(_, source)| source.all.len() > own + 1);
            let places = greedier.filter_map(|(greedy, source)| {
                Some((source.all.len(), *greedy, source.oldest_stranger()?))
            });
            let Some((_, greedy, stranger)) = places.max_by_key(|(count, ..)| *count) else {
                return Seat::None;
            };
            self.leave(greedy, stranger);
            seat = Seat::InPlaceOf(stranger);
        }
        self.sources.entry(from).or_default().all.insert(id, true);
        self.taken += 1;
        seat
    }

    /// It is a member.
    pub fn known(&mut self, from: IpAddr, id: ConnectionId) {
        let source = self.sources.get_mut(&from);
        if let Some(stranger) = source.and_then(|source| source.all.get_mut(&id)) {
            *stranger = false;
        }
    }

    /// It is gone; whoever has lost its place before has none to give back.
    pub fn leave(&mut self, from: IpAddr, id: ConnectionId) {
        let Some(source) = self.sources.get_mut(&from) else {
            return;
        };
        if source.all.remove(&id).is_some() {
            self.taken = self.taken.saturating_sub(1);
        }
        if source.all.is_empty() {
            self.sources.remove(&from);
        }
    }
}
