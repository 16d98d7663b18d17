//! Which nodes are heard, since when, and which of them hear this one.
//!
//! All times are the node's own: how long it had lived when something happened.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::pulse::Pulse;
use crate::NodeId;

/// One node as it was last heard.
#[derive(Debug)]
pub(crate) struct Sight {
    pub pulse: Pulse,
    heard_at: Duration,
    /// Since when heartbeats flow in both directions.
    mutual_since: Option<Duration>,
}

impl Sight {
    /// For how long heartbeats have been flowing in both directions.
    pub fn mutual_for(&self, now: Duration) -> Option<Duration> {
        self.mutual_since.map(|since| now.saturating_sub(since))
    }
}

/// All nodes of the same cluster name that are heard.
#[derive(Debug)]
pub(crate) struct Sights {
    me: NodeId,
    dead_after: Duration,
    seen: HashMap<NodeId, Sight>,
}

impl Sights {
    pub fn new(me: NodeId, dead_after: Duration) -> Self {
        Self {
            me,
            dead_after,
            seen: HashMap::new(),
        }
    }

    /// Takes a pulse in. Says whether it brought something that others should hear of at once.
    pub fn hear(&mut self, pulse: Pulse, now: Duration) -> bool {
        let hears_me = pulse.heard.iter().any(|(id, _)| *id == self.me);
        let Some(sight) = self.seen.get_mut(&pulse.sender.id) else {
            let mutual_since = hears_me.then_some(now);
            self.seen.insert(
                pulse.sender.id,
                Sight {
                    pulse,
                    heard_at: now,
                    mutual_since,
                },
            );
            return true;
        };
        let same_run = sight.pulse.sender.same_run(&pulse.sender);
        if same_run && pulse.sequence <= sight.pulse.sequence {
            return false;
        }
        let was_mutual = same_run && sight.mutual_since.is_some();
        if !hears_me {
            sight.mutual_since = None;
        } else if !was_mutual {
            sight.mutual_since = Some(now);
        }
        sight.heard_at = now;
        sight.pulse = pulse;
        was_mutual != hears_me
    }

    /// Forgets who has not been heard for too long. Says whether there was somebody.
    pub fn expire(&mut self, now: Duration) -> bool {
        let before = self.seen.len();
        let dead_after = self.dead_after;
        self.seen
            .retain(|_, sight| now.saturating_sub(sight.heard_at) < dead_after);
        self.seen.len() < before
    }

    pub fn forget(&mut self, id: NodeId) {
        self.seen.remove(&id);
    }

    pub fn clear(&mut self) {
        self.seen.clear();
    }

    pub fn iter(&self) -> impl Iterator<Item = &Sight> {
        self.seen.values()
    }

    pub fn get(&self, id: NodeId) -> Option<&Sight> {
        self.seen.get(&id)
    }

    /// Those that are heard, for the next pulse.
    pub fn heard(&self) -> Vec<(NodeId, SocketAddr)> {
        self.seen
            .values()
            .map(|sight| (sight.pulse.sender.id, sight.pulse.sender.heartbeat()))
            .collect()
    }

    /// The nodes that the heard ones hear and this one does not: worth a call.
    pub fn hearsay(&self) -> impl Iterator<Item = SocketAddr> {
        self.seen
            .values()
            .flat_map(|sight| &sight.pulse.heard)
            .filter(|(id, _)| *id != self.me && !self.seen.contains_key(id))
            .map(|(_, address)| *address)
    }
}
