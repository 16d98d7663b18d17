//! Messages of members, on their way to others.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::{ConnectionId, Effect, Router, RouterId, Speaker};
use crate::{Address, Dialect, Letter, Message, Reply, Word};

/// A message on its way to several connections: written once for each dialect.
struct Post<'a> {
    message: &'a Message,
    written: BTreeMap<Dialect, Bytes>,
    reached: BTreeSet<ConnectionId>,
    effects: Vec<Effect>,
}

impl Post<'_> {
    fn new(message: &Message) -> Post<'_> {
        Post {
            message,
            written: BTreeMap::new(),
            reached: BTreeSet::new(),
            effects: Vec::new(),
        }
    }

    fn to(&mut self, id: ConnectionId, speakers: &BTreeMap<ConnectionId, Speaker>) {
        let Some(speaker) = speakers.get(&id) else {
            return;
        };
        if self.reached.insert(id) {
            let write = || Reply::Message(self.message).bytes(speaker.dialect);
            let bytes = self.written.entry(speaker.dialect).or_insert_with(write);
            self.effects.push(Effect::Post(id, bytes.clone()));
        }
    }
}

impl Router {
    /// Another router passes this on to members of this one.
    pub fn passed(&mut self, letter: &Letter) -> Vec<Effect> {
        let mut post = Post::new(&letter.message);
        let group = self.groups.get(&letter.message.group);
        for reader in &letter.readers {
            let here = group.and_then(|group| group.members.get(reader)?.local);
            if let Some(id) = here {
                post.to(id, &self.speakers);
            }
        }
        post.effects
    }

    /// A message of a member, for others of its group.
    pub(super) fn route(&mut self, from: ConnectionId, message: &Message) -> Vec<Effect> {
        let Some(speaker) = self.speakers.get_mut(&from) else {
            return Vec::new();
        };
        speaker.tunnels = true;
        // Strangers have nothing to say in a group.
        if !speaker.own.iter().any(|(group, _)| *group == message.group) {
            return Vec::new();
        }
        let Some(group) = self.groups.get(&message.group) else {
            return Vec::new();
        };
        let mut post = Post::new(message);
        let mut others: BTreeMap<RouterId, Vec<Address>> = BTreeMap::new();
        let wanted = group
            .members
            .iter()
            .filter(|(address, _)| match &message.to {
                Some(to) => to == *address,
                // Before 4.0 whoever sends expects its own message back.
                None => message.from.as_ref() != Some(*address),
            });
        for (address, registration) in wanted {
            if let Some(id) = registration.local {
                post.to(id, &self.speakers);
                continue;
            }
            let heard = |router: &&RouterId| {
                let other = self.others.get(*router);
                other.is_some_and(|other| other.lost.is_none())
            };
            let reached = |router: &&RouterId| heard(router) && self.reached.contains(*router);
            let routers = &registration.routers;
            let best = routers.iter().find(reached);
            if let Some(router) = best.or_else(|| routers.iter().find(heard)) {
                others.entry(*router).or_default().push(address.clone());
            }
        }
        let mut effects = post.effects;
        for (router, readers) in others {
            for readers in readers.chunks(Word::READERS) {
                let letter = Letter {
                    readers: readers.to_vec(),
                    message: message.clone(),
                };
                effects.push(Effect::Pass(router, letter));
            }
        }
        effects
    }
}
