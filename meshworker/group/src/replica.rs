//! One store's part in the log that its group shares: raft, behind a wrapper.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use meshworker_core::{Fence, Moment};
use protobuf::Message as _;
use raft::eraftpb::{
    ConfChangeSingle, ConfChangeTransition, ConfChangeType, ConfChangeV2, Message, MessageType,
};
use raft::{
    Config, INVALID_ID, ProgressState, RawNode, ReadOnlyOption, SnapshotStatus, StateRole,
    StorageError,
};
use serde::{Deserialize, Serialize};

use crate::log::{Log, from_raft, snapshot_from_raft};
use crate::store::{Kind, Save, Saved, Snapshot};
use crate::{Command, GroupId, Machine, Store, StoreFailed, StoreId};

/// Raft counts time in these.
pub const TICK: Duration = Duration::from_millis(40);

/// So often a leader asks whether it still is one.
pub const HEARTBEAT: Duration = Duration::from_millis(80);

/// Whoever has heard a leader follows no other one for so many ticks: 400 ms.
const PATIENT: usize = 10;

/// Whoever has heard a leader, or has just woken and may have, follows no other one for so long.
pub const QUIET: Duration = Duration::from_millis(400);

/// So long after it asked whether it still leads, and a majority said yes, a leader may act.
/// Clocks may differ in their rate by a quarter: 300 ms of a fast one are less than
/// [`QUIET`] of a slow one.
pub const LEASE: Duration = Duration::from_millis(300);

/// How long others count on a leader, and it on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tempo {
    /// So long after a majority confirmed it a leader may act.
    pub lease: Duration,
    /// So long whoever woke votes for nobody.
    pub quiet: Duration,
}

impl Default for Tempo {
    fn default() -> Tempo {
        Tempo {
            lease: LEASE,
            quiet: QUIET,
        }
    }
}

/// A pause of the process, or of its machine, counts as so many ticks at most: what came
/// meanwhile is heard before anything is concluded from silence.
const MOST_TICKS: u32 = 2;

/// Every so many entries there is a new snapshot.
const SNAPSHOT: u64 = 1_000;

/// An entry is no longer, in bytes: an operator's request, or something that has happened, with
/// all that stands around its words.
pub const AN_ENTRY: usize = 128 * 1024;

/// Nobody needs longer to get a snapshot and to say so.
const A_SNAPSHOT: Duration = Duration::from_secs(2);

/// So much of the log travels in one letter.
const A_LETTER: u64 = 256 * 1024;

/// What one store says to another one of its group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// The group that both are in.
    pub group: GroupId,
    /// Who says it.
    pub from: StoreId,
    /// To whom; whoever has its address now, and is somebody else, does not hear it.
    pub to: StoreId,
    /// A message of raft's.
    pub message: Vec<u8>,
}

/// Why nothing can be written into the log here and now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotProposed {
    /// Another one leads, or nobody.
    #[error("this worker does not lead")]
    NotLeader,
    /// Too much is on its way already, or raft refuses it.
    #[error("it is not taken: {0}")]
    Refused(String),
}

/// An entry that was committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Its number.
    pub index: u64,
    /// The term in which it was written.
    pub term: u64,
    /// Its fence.
    pub fence: Fence,
    /// What it is; none for what concerns raft alone.
    pub command: Option<Command>,
}

/// One store's part in its group's log.
pub struct Replica {
    group: GroupId,
    tempo: Tempo,
    raft: RawNode<Log>,
    machine: Machine,
    voters: BTreeSet<StoreId>,
    outgoing: BTreeSet<StoreId>,
    learners: BTreeSet<StoreId>,
    woke: Moment,
    ticked: Moment,
    asked: Moment,
    /// When each question was asked whether it still leads, by the question's number.
    questions: BTreeMap<u64, Moment>,
    next_question: u64,
    /// When the newest question was asked that a majority answered.
    confirmed: Option<Moment>,
    /// The fence of this leadership: its first entry's.
    leads: Option<(u64, Fence)>,
    handing_over: Option<Moment>,
    /// Since when each store is waited for to have read a snapshot.
    reading: BTreeMap<u64, Moment>,
}

impl Replica {
    /// Goes on from what was kept. `rank` says how soon it stands for election after others
    /// could: no two of a group should have the same.
    ///
    /// # Errors
    ///
    /// What was kept makes no sense.
    pub fn open(
        saved: Saved,
        rank: usize,
        tempo: Tempo,
        now: Moment,
    ) -> Result<Replica, StoreFailed> {
        let unusable = |why: &dyn std::fmt::Display| StoreFailed(format!("what it holds: {why}"));
        let group = saved.group.ok_or_else(|| unusable(&"no group"))?;
        let machine = match saved.snapshot.body.as_slice() {
            [] => Machine::default(),
            body => serde_json::from_slice(body).map_err(|why| unusable(&why))?,
        };
        let timeout = PATIENT + 2 * rank;
        let config = Config {
            id: saved.store.0,
            election_tick: PATIENT,
            // Questions are heartbeats; these are for who does not ask.
            heartbeat_tick: PATIENT - 1,
            min_election_tick: timeout,
            // Not drawn: ranks keep them apart.
            max_election_tick: timeout + 1,
            applied: saved.snapshot.index,
            max_size_per_msg: A_LETTER,
            max_committed_size_per_ready: A_LETTER,
            max_uncommitted_size: 4 * A_LETTER,
            max_inflight_msgs: 64,
            check_quorum: true,
            pre_vote: true,
            read_only_option: ReadOnlyOption::Safe,
            ..Config::default()
        };
        let ids = |stores: &[StoreId]| stores.iter().copied().collect();
        let (voters, learners) = (ids(&saved.snapshot.voters), ids(&saved.snapshot.learners));
        let silent = slog::Logger::root(slog::Discard, slog::o!());
        let raft = RawNode::new(&config, Log::of(saved), &silent).map_err(|why| unusable(&why))?;
        Ok(Replica {
            group,
            tempo,
            raft,
            machine,
            voters,
            outgoing: BTreeSet::new(),
            learners,
            woke: now,
            ticked: now,
            asked: now,
            questions: BTreeMap::new(),
            next_question: 0,
            confirmed: None,
            leads: None,
            handing_over: None,
            reading: BTreeMap::new(),
        })
    }

    /// What the store of a group's founder begins with: everything anew, with this to begin
    /// with.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn founding(
        store: StoreId,
        group: GroupId,
        machine: Option<&Machine>,
    ) -> Result<Save, StoreFailed> {
        let body = machine.map(serde_json::to_vec).transpose();
        let body = body.map_err(|why| StoreFailed(why.to_string()))?;
        Ok(Save {
            anew: Some(store),
            group: Some(group),
            hard: Some((1, 0, 1)),
            snapshot: Some(Snapshot {
                index: 1,
                term: 1,
                voters: vec![store],
                learners: Vec::new(),
                body: body.unwrap_or_default(),
            }),
            cut: Some((1, 1)),
            ..Save::default()
        })
    }

    /// The group that it is in.
    pub fn group(&self) -> GroupId {
        self.group
    }

    /// Which store it is.
    pub fn store(&self) -> StoreId {
        StoreId(self.raft.raft.id)
    }

    /// What is kept of it.
    pub fn saved(&self) -> &Saved {
        self.raft.store().saved()
    }

    /// What the log came to so far.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Who votes.
    pub fn voters(&self) -> &BTreeSet<StoreId> {
        &self.voters
    }

    /// Who did vote, until a change is complete: without most of these, too, nothing is decided.
    pub fn outgoing(&self) -> &BTreeSet<StoreId> {
        &self.outgoing
    }

    /// Whose votes count now: those that vote, and until a change is complete those that did.
    pub fn counted(&self) -> BTreeSet<StoreId> {
        self.voters.union(&self.outgoing).copied().collect()
    }

    /// Who gets the log and has no vote.
    pub fn learners(&self) -> &BTreeSet<StoreId> {
        &self.learners
    }

    /// Whether who votes is about to change.
    pub fn is_changing(&self) -> bool {
        !self.outgoing.is_empty() || self.raft.raft.has_pending_conf()
    }

    /// Its term.
    pub fn term(&self) -> u64 {
        self.raft.raft.term
    }

    /// The last entry of its log.
    pub fn last(&self) -> u64 {
        self.raft.raft.raft_log.last_index()
    }

    /// Up to where it has applied.
    pub fn applied(&self) -> u64 {
        self.raft.raft.raft_log.applied
    }

    /// Whom it takes for the leader.
    pub fn leader(&self) -> Option<StoreId> {
        let raft = &self.raft.raft;
        // Whoever has no vote never stands for election, and raft takes its last leader's word
        // for one of now.
        let heard = self.is_leader() || raft.election_elapsed <= 2 * raft.election_timeout();
        Some(StoreId(raft.leader_id)).filter(|leader| leader.0 != 0 && heard)
    }

    /// Whether it takes itself for the leader: that alone lets it do nothing.
    pub fn is_leader(&self) -> bool {
        self.raft.raft.state == StateRole::Leader
    }

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

    /// What a group of this store alone begins with, under another name and with another id:
    /// whoever voted in the old one has no vote in it.
    pub(crate) fn alone_as(&self, store: StoreId, group: GroupId) -> Result<Saved, StoreFailed> {
        let saved = self.saved();
        let mut machine = self.machine.clone();
        let heard = saved.entries.iter();
        for entry in heard.filter(|entry| entry.index > self.applied()) {
            if entry.kind == Kind::Command && !entry.body.is_empty() {
                let command = serde_json::from_slice(&entry.body);
                let command = command.map_err(|why| StoreFailed(why.to_string()))?;
                machine.apply(entry.index, command);
            }
        }
        let (index, term) = (self.last(), self.term().saturating_add(1));
        let body = serde_json::to_vec(&machine.alone(self.store()));
        Ok(Saved {
            group: Some(group),
            hard: (term, 0, index),
            snapshot: Snapshot {
                index,
                term,
                voters: vec![store],
                learners: Vec::new(),
                body: body.map_err(|why| StoreFailed(why.to_string()))?,
            },
            cut: (index, term),
            bequest: saved.bequest.clone(),
            ..Saved::empty(store)
        })
    }

    /// How far behind the leader's this store's log is, as the leader knows; none if this one
    /// does not lead, or that one has not said that it has any of it.
    pub fn lag(&self, of: StoreId) -> Option<u64> {
        let progress = self.raft.raft.prs().get(of.0)?;
        let known = self.is_leader() && progress.matched > 0;
        known.then(|| self.last().saturating_sub(progress.matched))
    }

    /// Lets time pass.
    pub fn tick(&mut self, now: Moment) {
        let due = now.since(self.ticked).as_nanos() / TICK.as_nanos();
        let due = u32::try_from(due).unwrap_or(u32::MAX);
        if due > MOST_TICKS {
            self.ticked = now;
        } else {
            self.ticked = self.ticked.plus(TICK * due);
        }
        for _ in 0..due.min(MOST_TICKS) {
            self.raft.tick();
        }
        let alone = self.counted().iter().eq([&self.store()]);
        if alone && !self.is_leader() {
            // Nobody could object.
            let _ = self.raft.campaign();
        }
        // What it said may arrive at any time from now on, and has another one elected who
        // asks nobody whether this one leads: it never acts in this term again.
        let over = |since: Moment| now.since(since) > QUIET;
        if self.handing_over.is_some_and(over) && self.is_leader() {
            self.raft.raft.become_follower(self.term(), INVALID_ID);
        }
        if self.is_leader() && now.since(self.asked) >= HEARTBEAT {
            self.ask(now);
            self.send_again(now);
        }
    }

    /// Raft waits for word on a snapshot, which may have got lost.
    fn send_again(&mut self, now: Moment) {
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
    fn ask(&mut self, now: Moment) {
        self.asked = now;
        self.next_question += 1;
        self.questions.insert(self.next_question, now);
        if self.questions.len() > 64 {
            self.questions.pop_first();
        }
        self.raft
            .read_index(self.next_question.to_be_bytes().to_vec());
    }

    /// Hears a letter of its group. What makes no sense, and what another one's store is
    /// meant to hear, changes nothing.
    pub fn hear(&mut self, letter: &Letter, now: Moment) {
        if letter.group != self.group || letter.to != self.store() {
            return;
        }
        // The time before it was heard is not counted after it.
        self.tick(now);
        let Ok(message) = Message::parse_from_bytes(&letter.message) else {
            return;
        };
        if message.from != letter.from.0 || message.to != letter.to.0 {
            return;
        }
        match message.get_msg_type() {
            // Commands are handed on by the workers, which know who asked.
            MessageType::MsgPropose | MessageType::MsgReadIndex => return,
            // Before it fell asleep it may have said yes to a leader that counts on it.
            MessageType::MsgRequestVote | MessageType::MsgRequestPreVote
                if now.since(self.woke) < self.tempo.quiet =>
            {
                return;
            }
            _ => {}
        }
        // An error says that it came from nobody who matters, or too late.
        let _ = self.raft.step(message);
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

    /// Stores what is to be stored, and only then says what is to be sent; applies what is
    /// committed.
    ///
    /// # Errors
    ///
    /// It cannot be stored: nothing that rests on it was sent, and the worker is to end.
    pub fn settle(
        &mut self,
        store: &mut dyn Store,
    ) -> Result<(Vec<Letter>, Vec<Applied>), StoreFailed> {
        let (mut letters, mut applied) = (Vec::new(), Vec::new());
        while self.raft.has_ready() {
            let mut ready = self.raft.ready();
            let mut save = Save::default();
            if ready.snapshot().get_metadata().index > 0 {
                self.restore(snapshot_from_raft(ready.snapshot()), &mut save)?;
            }
            save.hard = ready.hs().map(|hard| (hard.term, hard.vote, hard.commit));
            let entries = ready.take_entries();
            save.entries = entries.iter().map(from_raft).collect::<Result<_, _>>()?;
            self.keep(store, &save)?;
            for state in ready.take_read_states() {
                self.confirm(&state.request_ctx);
            }
            self.post(ready.take_messages(), &mut letters);
            self.post(ready.take_persisted_messages(), &mut letters);
            for entry in ready.take_committed_entries() {
                applied.push(self.apply(&entry)?);
            }
            let mut light = self.raft.advance(ready);
            self.post(light.take_messages(), &mut letters);
            if let Some(commit) = light.commit_index() {
                let (term, vote, _) = self.saved().hard;
                let save = Save {
                    hard: Some((term, vote, commit)),
                    ..Save::default()
                };
                self.keep(store, &save)?;
            }
            for entry in light.take_committed_entries() {
                applied.push(self.apply(&entry)?);
            }
            self.raft.advance_apply();
            self.snapshot(store)?;
        }
        if !self.is_leader() {
            self.questions.clear();
            (self.confirmed, self.leads, self.handing_over) = (None, None, None);
        }
        Ok((letters, applied))
    }

    fn keep(&mut self, store: &mut dyn Store, save: &Save) -> Result<(), StoreFailed> {
        if *save == Save::default() {
            return Ok(());
        }
        store.save(save)?;
        self.raft.mut_store().keep(save);
        Ok(())
    }

    fn restore(&mut self, snapshot: Snapshot, save: &mut Save) -> Result<(), StoreFailed> {
        let machine = serde_json::from_slice(&snapshot.body);
        self.machine = machine.map_err(|why| StoreFailed(format!("a snapshot: {why}")))?;
        self.voters = snapshot.voters.iter().copied().collect();
        self.learners = snapshot.learners.iter().copied().collect();
        self.outgoing.clear();
        save.cut = Some((snapshot.index, snapshot.term));
        save.snapshot = Some(snapshot);
        Ok(())
    }

    fn confirm(&mut self, question: &[u8]) {
        let Ok(number) = question.try_into().map(u64::from_be_bytes) else {
            return;
        };
        let asked = self.questions.get(&number).copied();
        self.questions.retain(|other, _| *other > number);
        self.confirmed = asked.max(self.confirmed);
    }

    fn post(&self, messages: Vec<Message>, letters: &mut Vec<Letter>) {
        for message in messages {
            // Nothing in it could not be written.
            if let Ok(bytes) = message.write_to_bytes() {
                letters.push(Letter {
                    group: self.group,
                    from: self.store(),
                    to: StoreId(message.to),
                    message: bytes,
                });
            }
        }
    }

    fn apply(&mut self, entry: &raft::eraftpb::Entry) -> Result<Applied, StoreFailed> {
        let corrupt =
            |why: &dyn std::fmt::Display| StoreFailed(format!("entry {}: {why}", entry.index));
        let fence = self.machine.fence(entry.index);
        let kept = from_raft(entry)?;
        let mut command = None;
        match kept.kind {
            Kind::Voters => {
                let change =
                    ConfChangeV2::parse_from_bytes(&kept.body).map_err(|why| corrupt(&why))?;
                if let Ok(now) = self.raft.apply_conf_change(&change) {
                    let ids = |ids: &[u64]| ids.iter().copied().map(StoreId).collect();
                    self.voters = ids(now.get_voters());
                    self.learners = ids(now.get_learners());
                    self.learners
                        .extend(now.get_learners_next().iter().copied().map(StoreId));
                    self.outgoing = ids(now.get_voters_outgoing());
                    let within = self.counted();
                    let learners = &self.learners;
                    self.machine
                        .keep_seats(|store| within.contains(&store) || learners.contains(&store));
                }
            }
            // A leader's first: all that its predecessors wrote is applied.
            Kind::Command if kept.body.is_empty() => {
                if self.is_leader() && entry.term == self.term() {
                    self.leads = Some((entry.term, fence));
                    // Raft answers no question before; those that were asked are lost.
                    self.ask(self.ticked);
                }
            }
            Kind::Command => {
                let what: Command =
                    serde_json::from_slice(&kept.body).map_err(|why| corrupt(&why))?;
                self.machine.apply(entry.index, what.clone());
                // Whoever leads acts under a number that nobody has outdone from now on.
                if let (Command::Raise(_), Some((term, _))) = (&what, self.leads) {
                    let next = entry.index.saturating_add(1);
                    self.leads = Some((term, self.machine.fence(next)));
                }
                command = Some(what);
            }
        }
        Ok(Applied {
            index: entry.index,
            term: entry.term,
            fence,
            command,
        })
    }

    /// A new snapshot after many entries or bytes, and after each change of who is in the group:
    /// who comes finds himself in it.
    fn snapshot(&mut self, store: &mut dyn Store) -> Result<(), StoreFailed> {
        let saved = self.saved();
        let applied = self.applied();
        let ids = |stores: &BTreeSet<StoreId>| stores.iter().copied().collect::<Vec<_>>();
        let (voters, learners) = (ids(&self.voters), ids(&self.learners));
        let before = &saved.snapshot;
        let log = self.raft.store();
        let others = before.voters != voters || before.learners != learners;
        let due = others || log.is_long() || applied >= before.index + SNAPSHOT;
        if !self.outgoing.is_empty() || applied <= before.index || !due {
            return Ok(());
        }
        let term = match raft::Storage::term(log, applied) {
            Ok(term) => term,
            Err(raft::Error::Store(StorageError::Compacted | StorageError::Unavailable)) => {
                return Ok(());
            }
            Err(why) => return Err(StoreFailed(format!("entry {applied}: {why}"))),
        };
        let body = serde_json::to_vec(&self.machine);
        let snapshot = Snapshot {
            index: applied,
            term,
            voters,
            learners,
            body: body.map_err(|why| StoreFailed(why.to_string()))?,
        };
        let save = Save {
            cut: log.cut_for(&snapshot),
            snapshot: Some(snapshot),
            ..Save::default()
        };
        self.keep(store, &save)
    }
}

impl std::fmt::Debug for Replica {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Replica({}, term {}, {} entries)",
            self.store(),
            self.term(),
            self.last()
        )
    }
}
