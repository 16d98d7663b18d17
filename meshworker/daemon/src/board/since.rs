//! Since when each witness has said what it says, and each member has been what it is.

use std::collections::BTreeMap;
use std::time::SystemTime;

use meshworker_core::{Place, Presence, Role, Witness};

use super::Look;
use crate::status::MemberState;

/// Since when each witness has said of each member what it says, and since when each member
/// has been in its state, and has had its role.
#[derive(Debug, Clone, Default)]
pub struct Since {
    said: BTreeMap<(Place, Witness), (Presence, SystemTime)>,
    states: BTreeMap<Place, ((String, MemberState), SystemTime)>,
    roles: BTreeMap<Place, (Role, SystemTime)>,
}

impl Since {
    /// Notes what was said in this look, and what its members are, by their addresses; whom
    /// nobody named is forgotten.
    pub fn note(&mut self, look: &Look, states: &BTreeMap<Place, (String, MemberState)>) {
        let mut before = std::mem::take(&mut self.states);
        for (at, is) in states {
            let as_before = before.remove(at).filter(|(was, _)| was == is);
            let entry = as_before.unwrap_or_else(|| (is.clone(), look.time));
            self.states.insert(*at, entry);
        }
        let mut said = std::mem::take(&mut self.said);
        let mut roles = std::mem::take(&mut self.roles);
        for member in look.roster.members() {
            let at = member.address;
            for (witness, presence) in &member.seen {
                let key = (at, *witness);
                let entry = match said.remove(&key) {
                    Some((same, since)) if same == *presence => (same, since),
                    _ => (presence.clone(), look.time),
                };
                self.said.insert(key, entry);
            }
            let before = roles.remove(&at);
            let entry = match (look.head(at), before) {
                // Whoever is silent may come back as what he was.
                (None, before) => before,
                (Some(head), before) => head.role.map(|role| match before {
                    Some((same, since)) if same == role => (same, since),
                    _ => (role, look.time),
                }),
            };
            self.roles.extend(entry.map(|entry| (at, entry)));
        }
    }

    /// Since when this witness has said the same of whoever is at this address.
    pub fn when(&self, address: Place, witness: Witness) -> Option<SystemTime> {
        self.said.get(&(address, witness)).map(|(_, since)| *since)
    }

    /// Since when whoever is at this address has been in its state.
    pub fn state(&self, address: Place) -> Option<SystemTime> {
        self.states.get(&address).map(|(_, since)| *since)
    }

    /// Since when whoever is at this address has had its role.
    pub fn role(&self, address: Place) -> Option<SystemTime> {
        self.roles.get(&address).map(|(_, since)| *since)
    }
}
