//! The names that the server knows, and where their scripts stand.

use std::collections::HashMap;

use hickory_proto::rr::{Name, RecordType};

use crate::Behaviour;
use crate::dice::Dice;

/// The names that the server knows, and where their scripts stand.
#[derive(Debug)]
pub(crate) struct Zone {
    names: HashMap<String, Behaviour>,
    /// How far the script of a name and family has come.
    positions: HashMap<(String, RecordType), usize>,
    /// What the last question over UDP was met with: TCP goes on from there.
    current: HashMap<(String, RecordType), Behaviour>,
    pub(crate) dice: Dice,
}

impl Zone {
    pub(crate) fn new(seed: u64) -> Zone {
        Zone {
            names: HashMap::new(),
            positions: HashMap::new(),
            current: HashMap::new(),
            dice: Dice::new(seed),
        }
    }

    pub(crate) fn set(&mut self, name: &str, behaviour: Behaviour) {
        let key = plain(name);
        self.positions.retain(|(name, _), _| *name != key);
        self.current.retain(|(name, _), _| *name != key);
        self.names.insert(key, behaviour);
    }

    /// What to do about this question: nothing that depends on position,
    /// chance or family is left open, except the draw of a partial answer.
    pub(crate) fn next(&mut self, name: &Name, family: RecordType, over_tcp: bool) -> Behaviour {
        let key = (plain(&name.to_ascii()), family);
        if over_tcp && let Some(current) = self.current.get(&key) {
            return current.clone();
        }
        let behaviour = match self.names.get(&key.0) {
            Some(behaviour) => behaviour.clone(),
            None => Behaviour::NxDomain,
        };
        let position = self.positions.entry(key.clone()).or_default();
        let resolved = resolve(behaviour, family, *position, &mut self.dice);
        *position += 1;
        self.current.insert(key, resolved.clone());
        resolved
    }

    /// What an alias leads to, without moving any script.
    pub(crate) fn peek(&self, name: &str) -> Option<&Behaviour> {
        self.names.get(&plain(name))
    }
}

fn resolve(
    behaviour: Behaviour,
    family: RecordType,
    position: usize,
    dice: &mut Dice,
) -> Behaviour {
    let mut again = |inner: Behaviour| resolve(inner, family, position, dice);
    match behaviour {
        Behaviour::PerFamily { v4, v6 } => {
            again(if family == RecordType::AAAA { *v6 } else { *v4 })
        }
        Behaviour::Script(acts) => match acts.get(position).or(acts.last()) {
            Some(act) => again(act.clone()),
            None => Behaviour::NxDomain,
        },
        Behaviour::Flapping(choices) => {
            let choice = dice.below(choices.len());
            match choices.into_iter().nth(choice) {
                Some(chosen) => resolve(chosen, family, position, dice),
                None => Behaviour::NxDomain,
            }
        }
        Behaviour::Slow(delay, then) => Behaviour::Slow(delay, Box::new(again(*then))),
        Behaviour::WithoutEdns { formerr, then } => Behaviour::WithoutEdns {
            formerr,
            then: Box::new(again(*then)),
        },
        other => other,
    }
}

/// A name as the tests write it: lower case, without the final dot.
fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(zone: &mut Zone, family: RecordType, over_tcp: bool) -> Behaviour {
        zone.next(&Name::from_ascii("DB.").unwrap(), family, over_tcp)
    }

    #[test]
    fn a_script_moves_on_per_family_and_keeps_its_last_act() {
        let mut zone = Zone::new(1);
        zone.set(
            "db",
            Behaviour::Script(vec![Behaviour::Empty, Behaviour::ServFail]),
        );
        for family in [RecordType::A, RecordType::AAAA] {
            let said: Vec<_> = (0..3).map(|_| ask(&mut zone, family, false)).collect();
            assert_eq!(
                said,
                [Behaviour::Empty, Behaviour::ServFail, Behaviour::ServFail]
            );
        }
    }

    #[test]
    fn tcp_goes_on_from_the_question_over_udp() {
        let mut zone = Zone::new(1);
        zone.set(
            "db",
            Behaviour::Script(vec![Behaviour::Empty, Behaviour::ServFail]),
        );
        assert_eq!(ask(&mut zone, RecordType::A, false), Behaviour::Empty);
        assert_eq!(ask(&mut zone, RecordType::A, true), Behaviour::Empty);
        assert_eq!(ask(&mut zone, RecordType::A, false), Behaviour::ServFail);
    }

    #[test]
    fn the_same_seed_flaps_in_the_same_way_and_in_every_way() {
        let flaps = |seed| {
            let mut zone = Zone::new(seed);
            let choices = vec![Behaviour::Empty, Behaviour::NxDomain, Behaviour::ServFail];
            zone.set("db", Behaviour::Flapping(choices));
            (0..30)
                .map(|_| ask(&mut zone, RecordType::A, false))
                .collect::<Vec<_>>()
        };
        assert_eq!(flaps(7), flaps(7));
        assert_ne!(flaps(7), flaps(8));
        for choice in [Behaviour::Empty, Behaviour::NxDomain, Behaviour::ServFail] {
            assert!(flaps(7).contains(&choice));
        }
    }
}
