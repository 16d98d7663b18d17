//! Global transaction ids: `domain-server-sequence`.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Serialize, Serializer};

/// More domains than anybody has.
const MOST: usize = 1024;

/// How far a server has come: per domain the transaction that came last.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(BTreeMap<u32, (u32, u64)>);

/// What a server has ever written to its binary log: per domain and server the highest
/// sequence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State(BTreeMap<(u32, u32), u64>);

impl Position {
    /// The position in a server's words; none where they are none.
    pub fn parse(text: &str) -> Option<Position> {
        let gtids = gtids(text)?;
        Some(Position(
            gtids
                .map(|(domain, server, sequence)| (domain, (server, sequence)))
                .collect(),
        ))
    }

    /// Whether nothing was ever written.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether whoever is here has all that whoever is there has: in strict mode sequences
    /// only grow.
    pub fn reaches(&self, other: &Position) -> bool {
        other.0.iter().all(|(domain, (server, sequence))| {
            let own = self.0.get(domain);
            own.is_some_and(|(mine, reached)| {
                reached > sequence || (reached == sequence && mine == server)
            })
        })
    }

    /// The sum of its sequences: how far it is, among positions of one cluster.
    pub fn distance(&self) -> u64 {
        let sequences = self.0.values().map(|(_, sequence)| *sequence);
        sequences.fold(0, u64::saturating_add)
    }

    /// The further one of two; this one where neither reaches the other.
    pub fn or_further(&self, other: &Position) -> Position {
        match other.reaches(self) {
            true => other.clone(),
            false => self.clone(),
        }
    }
}

impl State {
    /// The state in a server's words; none where they are none.
    pub fn parse(text: &str) -> Option<State> {
        let mut state = BTreeMap::new();
        for (domain, server, sequence) in gtids(text)? {
            let highest = state.entry((domain, server)).or_insert(sequence);
            *highest = sequence.max(*highest);
        }
        Some(State(state))
    }

    /// Whether nothing was ever written.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is in here that `other`, who has applied what `base` says, does not have: a server
    /// that was made of a copy does not know the older ones by their servers.
    pub fn beyond(&self, other: &State, base: &Position) -> Option<String> {
        let mut beyond = self.0.iter().filter(|((domain, server), sequence)| {
            let known = other.0.get(&(*domain, *server)).copied().unwrap_or(0);
            let applied = base.0.get(domain).map_or(0, |(_, sequence)| *sequence);
            **sequence > known.max(applied)
        });
        let ((domain, server), sequence) = beyond.next()?;
        Some(format!("{domain}-{server}-{sequence}"))
    }
}

/// The ids in a list of them.
fn gtids(text: &str) -> Option<impl Iterator<Item = (u32, u32, u64)>> {
    let listed = text.split(',').map(str::trim).filter(|id| !id.is_empty());
    let read: Option<Vec<_>> = listed
        .take(MOST)
        .map(|id| {
            let mut parts = id.split('-');
            let domain = parts.next()?.parse().ok()?;
            let server = parts.next()?.parse().ok()?;
            let sequence = parts.next()?.parse().ok()?;
            parts.next().is_none().then_some((domain, server, sequence))
        })
        .collect();
    Some(read?.into_iter())
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (domain, (server, sequence))) in self.0.iter().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            write!(f, "{comma}{domain}-{server}-{sequence}")?;
        }
        Ok(())
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, ((domain, server), sequence)) in self.0.iter().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            write!(f, "{comma}{domain}-{server}-{sequence}")?;
        }
        Ok(())
    }
}

impl Serialize for Position {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Position {
        Position::parse(text).unwrap()
    }

    #[test]
    fn who_is_further_has_everything_of_who_is_behind() {
        assert!(at("0-11-7").reaches(&at("0-12-6")));
        assert!(at("0-11-7").reaches(&at("")));
        assert!(!at("").reaches(&at("0-11-1")));
        assert!(!at("0-11-7").reaches(&at("0-11-7,1-1-1")));
        assert_eq!(at("0-11-7").or_further(&at("0-11-9")), at("0-11-9"));
        assert_eq!(at("1-2-3, 0-11-7").to_string(), "0-11-7,1-2-3");
        for none in ["0-11", "0-11-x", "0-11-7-9", "a"] {
            assert_eq!(Position::parse(none), None, "{none}");
        }
    }

    /// Two transactions of one sequence are not the same.
    #[test]
    fn the_same_sequence_of_another_server_is_another_transaction() {
        assert!(!at("0-11-29").reaches(&at("0-12-29")));
        assert!(at("0-11-30").reaches(&at("0-12-29")));
    }

    #[test]
    fn what_nobody_else_has_is_named() {
        let state = |text: &str| State::parse(text).unwrap();
        let (own, other) = (state("0-1-7,0-2-9"), state("0-1-6,0-2-20"));
        assert_eq!(own.beyond(&other, &at("")).as_deref(), Some("0-1-7"));
        assert_eq!(own.beyond(&other, &at("0-2-20")), None, "made of a copy");
        assert_eq!(other.beyond(&other, &at("")), None);
    }
}
