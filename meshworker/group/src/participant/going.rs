//! How a worker ends: what it hands over, and what it waits for.

use std::collections::BTreeSet;
use std::time::Duration;

use meshworker_core::Moment;

use super::Participant;
use crate::{Command, Hello, StoreId};

/// A worker that is about to end stays for so long to see its vote go.
const FAREWELL: Duration = Duration::from_secs(3);

/// Where all of them are about to end, whoever leads has ended after so long: Swarm kills it
/// ten seconds after it told it to stop.
const LAST_WORDS: Duration = Duration::from_secs(9);

impl Participant {
    /// It is about to end.
    pub fn leave(&mut self, now: Moment) {
        if self.leaving.is_none() {
            // Whoever acts is to hand that over at once.
            (self.leaving, self.thought) = (Some(now), Moment::default());
        }
    }

    /// Whether it may end now: it has no vote any more, or nobody stays, or it has waited
    /// long enough.
    pub fn has_left(&self, now: Moment) -> bool {
        let Some(since) = self.leaving else {
            return false;
        };
        let Some(replica) = &self.replica else {
            return true;
        };
        let ours = self.book.fresh(now).map(|heard| &heard.hello);
        let ours: Vec<&Hello> = ours
            .filter(|hello| hello.group == Some(replica.group()))
            .collect();
        let stays = ours.iter().any(|hello| !hello.leaving);
        if !stays {
            // The whole service ends: whoever leads has a last word for those that go with it,
            // and needs our votes for it.
            let leads = |hello: &&Hello| Some(hello.store) == replica.leader();
            let needed = replica.counted().contains(&self.store) && ours.iter().any(leads);
            let waits = needed || (replica.is_leader() && !ours.is_empty());
            let ended = replica.machine().ended && !needed;
            return !waits || ended || now.since(since) >= LAST_WORDS;
        }
        // Whoever is in the group no more hears so from its leader alone.
        let let_go = |hello: &&Hello| {
            hello.term >= replica.term()
                && hello.applied > replica.applied()
                && hello.leader == Some(hello.store)
                && !hello.voters.contains(&self.store)
        };
        let votes = replica.counted().contains(&self.store) && !ours.iter().any(let_go);
        !votes || now.since(since) >= FAREWELL
    }

    /// Says that all are about to end once they are, and takes that back if somebody stays: so
    /// however few come back later, they wait for none of the others.
    pub(super) fn end(&mut self, now: Moment) {
        let Some(replica) = self.replica.as_mut().filter(|replica| replica.is_leader()) else {
            return;
        };
        let members: BTreeSet<StoreId> = replica
            .counted()
            .union(replica.learners())
            .copied()
            .collect();
        let alone = members.iter().eq([&self.store]);
        let group = replica.group();
        let ours = self.book.fresh(now).map(|heard| &heard.hello);
        let mut ours = ours.filter(|hello| hello.group.is_none_or(|of| of == group));
        let all = self.leaving.is_some() && ours.all(|hello| hello.leaving);
        if (all && !alone) != replica.machine().ended && self.ended != Some(all) {
            // What is not taken is said again, by whoever leads then.
            self.ended = replica
                .propose(&Command::End(all && !alone))
                .ok()
                .map(|_| all);
        }
    }
}
