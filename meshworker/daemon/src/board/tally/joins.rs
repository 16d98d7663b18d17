//! How long members take to get in.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::board::Look;
use crate::status::MemberState;
use meshworker_core::Place;

/// Who waits to get in, and since when.
#[derive(Debug, Default)]
pub struct Joins(BTreeMap<Place, Joined>);

/// How far a member has come.
#[derive(Debug, Clone, Copy)]
enum Joined {
    Waiting(Instant),
    In,
}

impl Joins {
    /// How long those took that this look sees in for the first time. Whoever
    /// was in when it was first seen took nobody's time, and one that is in
    /// does not get in again before it was meant to go, or out of sight.
    pub fn note(
        &mut self,
        look: &Look,
        states: &BTreeMap<Place, (String, MemberState)>,
    ) -> Vec<Duration> {
        let began = look.at.checked_sub(look.took).unwrap_or(look.at);
        let mut before = std::mem::take(&mut self.0);
        let mut took = Vec::new();
        for (address, (_, state)) in states {
            let was = before.remove(address);
            let is = match (was, state) {
                (Some(Joined::In), MemberState::Leaving | MemberState::Released) => continue,
                (Some(Joined::In), _) | (None, MemberState::Joined) => Joined::In,
                (Some(Joined::Waiting(since)), MemberState::Joined) => {
                    took.push(look.at.duration_since(since));
                    Joined::In
                }
                (_, MemberState::Joining | MemberState::Silent | MemberState::Refused) => {
                    was.unwrap_or(Joined::Waiting(began))
                }
                // Whoever wants it may be out of reach for a moment.
                (Some(waiting), MemberState::Unknown) => waiting,
                (None, MemberState::Unknown)
                // A join begins when the database does.
                | (_, MemberState::Waiting | MemberState::Spare | MemberState::Leaving | MemberState::Released) => {
                    continue;
                }
            };
            self.0.insert(*address, is);
        }
        took
    }
}
