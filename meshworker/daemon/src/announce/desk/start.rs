//! Whether a member that waits may start.

use std::time::Duration;

use tokio::time::Instant;

use super::entry::{Entry, Key};
use super::roll::Roll;
use crate::announce::{Announcement, Phase, Verdict};

/// After this long every member has announced itself, each second, to a desk
/// that was just opened.
pub(super) const EVERYBODY: Duration = Duration::from_secs(2);

/// For so long a claim on a slot holds up its successor although nobody answers there
/// and no witness lists it: a database that loads its data from disk.
const UNSEEN: Duration = Duration::from_secs(120);

impl Roll {
    /// Whether another slot's member waits as well for a directory. One that waits to be told
    /// how its database is started is a spare, and nobody misses it.
    pub(super) fn others_wait(&self, asks: &Announcement) -> bool {
        let slot = |said: &Announcement| (said.service.clone(), said.slot);
        let wait = |said: &Announcement| said.phase == Phase::Waiting && said.disk.is_none();
        wait(asks)
            && (self.members.values())
                .any(|other| wait(&other.said) && slot(&other.said) != slot(asks))
    }

    /// Whether a member that waits to start may do so: whether no other task of
    /// its slot runs on another node. On its own node it sees for itself, by
    /// the lock of the directory that they share.
    pub(super) fn may_start(&self, asks: &Announcement, now: Instant) -> Option<Verdict> {
        if now < self.opened + EVERYBODY {
            return None;
        }
        let waiter = self.members.get(&Key::of(asks));
        let since = waiter.map_or(now, |waiter| waiter.came);
        let before = self.members.values().find(|entry| {
            let said = &entry.said;
            let silence = now.saturating_duration_since(entry.renewed);
            said.member() == asks.member()
                && said.task != asks.task
                && said.node != asks.node
                && said.phase != Phase::Waiting
                // One that stops says so until it has ended.
                && said.phase != Phase::Ended
                && (said.phase != Phase::Stopping || silence < EVERYBODY)
                && self.holds_up(entry, now.saturating_duration_since(since))
        });
        let why = match before.map(|entry| &entry.said) {
            None => "no other task of this slot announces itself".to_owned(),
            Some(said) => {
                let doing = match said.phase {
                    Phase::Leaving => "is leaving",
                    Phase::Stopping | Phase::Ended => "stops",
                    Phase::Waiting | Phase::Present => "runs",
                };
                let node = said.node_name.as_deref().unwrap_or(&said.node);
                format!("task {} of this slot {doing} on node {node}", said.task)
            }
        };
        Some(Verdict {
            granted: before.is_none(),
            fence: None,
            why,
            going: "starts".to_owned(),
            place: 1,
            progress: None,
        })
    }

    /// Whether this claim on a slot is one for which its successor waits. Whoever
    /// knows the token can claim any slot at its own address, under any number of names:
    /// Docker knows better, and without Docker claims count until the successor has
    /// waited for as long as a database takes to start, and then where a witness lists
    /// the address, or a node of ours answers there.
    fn holds_up(&self, entry: &Entry, waited: Duration) -> bool {
        let Some(findings) = &self.findings else {
            return true;
        };
        let said = &entry.said;
        let here = || findings.vouched(said.address) || findings.answers(said.place());
        let listed = findings.is_in_the_task_list(said);
        listed.unwrap_or_else(|| waited < UNSEEN || here())
    }
}
