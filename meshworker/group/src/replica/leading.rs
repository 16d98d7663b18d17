//! What the one that leads does: it asks whether it still does, has others vote, and hands over.

use std::collections::BTreeSet;
use std::time::Duration;

use meshworker_core::{Fence, Moment};
use raft::eraftpb::{ConfChangeSingle, ConfChangeTransition, ConfChangeType, ConfChangeV2};
use raft::{ProgressState, SnapshotStatus};

use super::{AN_ENTRY, NotProposed, Replica};
use crate::{Command, StoreId};

/// Nobody needs longer to get a snapshot and to say so.
const A_SNAPSHOT: Duration = Duration::from_secs(2);

impl Replica {
    /// The fence under which it may act at this moment, if it may: it leads, has applied
    /// what its predecessors wrote, and a majority has confirmed it a short while ago. It votes:
    /// once its vote is gone those that are left may elect another one without waiting.
    pub fn fence(&self, now: Moment) -> Option<Fence> {
        let (term, fence) = self.leads?;
        let confirmed = self.confirmed?;
        let leads = self.is_leader() && term == self.term() && self.handing_over.is_none();
        let leads = leads && self.counted().contains(&self.store());
        (leads && now.since(confirmed) < self.tempo.lease).then_some(fence)
    }

    /// Until when it may act unless a majority confirms it anew; none while it does not lead.
    pub(crate) fn lease_ends(&self) -> Option<Moment> {
        Some(self.confirmed?.plus(self.tempo.lease))
    }

    /// How far behind the leader's this store's log is, as the leader knows; none if this one
    /// does not lead, or that one has not said that it has any of it.
    pub fn lag(&self, of: StoreId) -> Option<u64> {
        let progress = self.raft.raft.prs().get(of.0)?;
        let known = self.is_leader() && progress.matched > 0;
        known.then(|| self.last().saturating_sub(progress.matched))
    }

    /// Raft waits for word on a snapshot, which may have got lost.
    pub(super) fn send_again(&mut self, now: Moment) {
        let all = self.raft.raft.prs().iter();
        let reading = all.filter(|(_, one)| one.state == ProgressState::Snapshot);
        let reading: BTreeSet<u64> = reading.map(|(store, _)| *store).collect();
        self.reading.retain(|store, _| reading.contains(store));
        for store in reading {
            let since = *self.reading.entry(store).or_insert(now);
            if now.since(since) >= A_SNAPSHOT {
                self.reading.remove(&store);
                self.raft.report_snapshot(store, SnapshotStatus::Failure);
            }
        }
    }

    /// Asks whether it still leads.
    pub(super) fn ask(&mut self, now: Moment) {
        self.asked = now;
        self.next_question += 1;
        self.questions.insert(self.next_question, now);
        if self.questions.len() > 64 {
            self.questions.pop_first();
        }
        self.raft
            .read_index(self.next_question.to_be_bytes().to_vec());
    }

    pub(super) fn confirm(&mut self, question: &[u8]) {
        let Ok(number) = question.try_into().map(u64::from_be_bytes) else {
            return;
        };
        let asked = self.questions.get(&number).copied();
        self.questions.retain(|other, _| *other > number);
        self.confirmed = asked.max(self.confirmed);
    }

    /// Proposes a line for the log: its number and term, by which its proposer knows it
    /// again once it is applied.
    ///
    /// # Errors
    ///
    /// Another one leads, or too much is on its way.
    pub fn propose(&mut self, command: &Command) -> Result<(u64, u64), NotProposed> {
        if !self.is_leader() || self.handing_over.is_some() {
            return Err(NotProposed::NotLeader);
        }
        let refused = |why: &dyn std::fmt::Display| NotProposed::Refused(why.to_string());
        let body = serde_json::to_vec(command).map_err(|why| refused(&why))?;
        if body.len() > AN_ENTRY {
            let found = body.len();
            return Err(refused(&format!(
                "found {found} bytes; allowed: {AN_ENTRY}"
            )));
        }
        let proposed = self.raft.propose(Vec::new(), body);
        proposed.map_err(|why| refused(&why))?;
        Ok((self.last(), self.term()))
    }

    /// Changes who votes and who learns, from one moment to the next.
    ///
    /// # Errors
    ///
    /// Another one leads, or another change is under way.
    pub fn change(
        &mut self,
        voters: &BTreeSet<StoreId>,
        learners: &BTreeSet<StoreId>,
    ) -> Result<(), NotProposed> {
        if !self.is_leader() || self.handing_over.is_some() {
            return Err(NotProposed::NotLeader);
        }
        if self.is_changing() {
            return Err(NotProposed::Refused("another change is under way".into()));
        }
        let mut change = ConfChangeV2::default();
        let mut one = |store: &StoreId, kind| {
            change.mut_changes().push(ConfChangeSingle {
                node_id: store.0,
                change_type: kind,
                ..ConfChangeSingle::default()
            });
        };
        for store in voters.difference(&self.voters) {
            one(store, ConfChangeType::AddNode);
        }
        for store in learners.difference(&self.learners) {
            one(store, ConfChangeType::AddLearnerNode);
        }
        let before = self.voters.union(&self.learners);
        for store in before.filter(|store| !voters.contains(store) && !learners.contains(store)) {
            one(store, ConfChangeType::RemoveNode);
        }
        if change.get_changes().is_empty() {
            return Ok(());
        }
        change.set_transition(ConfChangeTransition::Auto);
        let proposed = self.raft.propose_conf_change(Vec::new(), change);
        proposed.map_err(|why| NotProposed::Refused(why.to_string()))
    }

    /// Hands the lead to another voter: from this moment on it does not act. If that one has
    /// not taken over in time, whoever is elected leads.
    pub fn hand_over(&mut self, to: StoreId, now: Moment) {
        if self.is_leader() && self.voters.contains(&to) && to != self.store() {
            self.handing_over.get_or_insert(now);
            self.raft.transfer_leader(to.0);
        }
    }
}
