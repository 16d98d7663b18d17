//! Since when each witness has said what it says.

use std::collections::BTreeMap;
use std::time::SystemTime;

use meshworker_core::{Place, Presence, Roster, Witness};

/// Since when each witness has said of each member what it says.
#[derive(Debug, Clone, Default)]
pub struct Since(BTreeMap<(Place, Witness), (Presence, SystemTime)>);

impl Since {
    /// Notes what was said at this time; whom nobody named is forgotten.
    pub fn note(&mut self, roster: &Roster, time: SystemTime) {
        let mut before = std::mem::take(&mut self.0);
        for member in roster.members() {
            for (witness, presence) in &member.seen {
                let key = (member.address, *witness);
                let entry = match before.remove(&key) {
                    Some((same, since)) if same == *presence => (same, since),
                    _ => (presence.clone(), time),
                };
                self.0.insert(key, entry);
            }
        }
    }

    /// Since when this witness has said the same of whoever is at this address.
    pub fn when(&self, address: Place, witness: Witness) -> Option<SystemTime> {
        self.0.get(&(address, witness)).map(|(_, since)| *since)
    }
}
