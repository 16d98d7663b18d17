//! Which nodes are heard, since when, and which of them hear this one.
//!
//! All times are the node's own: how long it had lived when something happened.

use std::collections::{HashMap, HashSet};
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
    /// How many nodes are heard at most, this one included.
    limit: usize,
    seen: HashMap<NodeId, Sight>,
    /// Those that were heard of when there was no room any more: where they are, and when that was last.
    ignored: HashMap<NodeId, (SocketAddr, Duration)>,
}

impl Sights {
    /// Nobody is heard yet.
    pub fn new(me: NodeId, dead_after: Duration, limit: usize) -> Self {
        Self {
            me,
            dead_after,
            limit,
            seen: HashMap::new(),
            ignored: HashMap::new(),
        }
    }

    /// Takes a pulse in. Says whether it brought something that others should hear of at once.
    ///
    /// A node that hears as many as its edition allows ignores whoever it hears of later.
    pub fn hear(&mut self, pulse: Pulse, now: Duration) -> bool {
        let sender = pulse.sender;
        let known = self.seen.contains_key(&sender.id);
        if !known && self.seen.len() >= self.limit.saturating_sub(1) {
            self.ignored.insert(sender.id, (sender.heartbeat(), now));
            return false;
        }
        self.ignored.remove(&sender.id);
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
        self.ignored
            .retain(|_, (_, heard_at)| now.saturating_sub(*heard_at) < dead_after);
        self.seen.len() < before
    }

    pub fn forget(&mut self, id: NodeId) {
        self.seen.remove(&id);
    }

    pub fn clear(&mut self) {
        self.seen.clear();
        self.ignored.clear();
    }

    /// Where those are that are ignored.
    pub fn ignored(&self) -> impl Iterator<Item = SocketAddr> {
        self.ignored.values().map(|(address, _)| *address)
    }

    /// Every node that exists as far as is known: heard, ignored, heard by those that are heard, and this one.
    pub fn known(&self) -> HashSet<NodeId> {
        let heard = self.seen.values().flat_map(|sight| &sight.pulse.heard);
        heard
            .map(|(id, _)| *id)
            .chain(self.seen.keys().copied())
            .chain(self.ignored.keys().copied())
            .chain([self.me])
            .collect()
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
