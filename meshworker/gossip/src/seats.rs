//! Who may have a connection, and who gives way.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::router::ConnectionId;

/// Who has a connection. Whoever has said nothing yet that is understood is a stranger, and
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
    taken: usize,
    /// In the order of coming.
    strangers: BTreeMap<u64, ()>,
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
        let own = self.sources.get(&from).map_or(0, |source| source.taken);
        if own >= self.of_one {
            return Seat::None;
        }
        let mut seat = Seat::Taken;
        if self.taken >= self.most {
            let greediest = self.sources.iter();
            let greediest = greediest.filter(|(_, source)| !source.strangers.is_empty());
            let greediest = greediest.max_by_key(|(_, source)| source.taken);
            let Some((greedy, stranger)) = greediest.and_then(|(greedy, source)| {
                let oldest = source.strangers.keys().next()?;
                (source.taken > own).then_some((*greedy, *oldest))
            }) else {
                return Seat::None;
            };
            self.leave(greedy, ConnectionId(stranger));
            seat = Seat::InPlaceOf(ConnectionId(stranger));
        }
        let source = self.sources.entry(from).or_default();
        source.taken += 1;
        source.strangers.insert(id.0, ());
        self.taken += 1;
        seat
    }

    /// It has said something that is understood.
    pub fn known(&mut self, from: IpAddr, id: ConnectionId) {
        if let Some(source) = self.sources.get_mut(&from) {
            source.strangers.remove(&id.0);
        }
    }

    /// It is gone.
    pub fn leave(&mut self, from: IpAddr, id: ConnectionId) {
        let Some(source) = self.sources.get_mut(&from) else {
            return;
        };
        source.strangers.remove(&id.0);
        source.taken = source.taken.saturating_sub(1);
        self.taken = self.taken.saturating_sub(1);
        if source.taken == 0 {
            self.sources.remove(&from);
        }
    }
}
