//! One store's part in the log that its group shares: raft, behind a wrapper.

mod leading;
mod storing;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use meshworker_core::{Fence, Moment};
use protobuf::Message as _;
use raft::eraftpb::{ConfChangeV2, Message, MessageType};
use raft::{Config, INVALID_ID, RawNode, ReadOnlyOption, StateRole};
use serde::{Deserialize, Serialize};

use crate::log::{Log, from_raft, snapshot_from_raft};
use crate::store::{Kind, Save, Saved};
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

/// An entry is no longer, in bytes: an operator's request, or something that has happened, with
/// all that stands around its words.
pub const AN_ENTRY: usize = 128 * 1024;

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
    lacks_entries: bool,
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
            lacks_entries: false,
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

    /// Whether a leader counts on entries that this store had said it kept, and has not.
    pub fn lacks_entries(&self) -> bool {
        self.lacks_entries
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
            // What its leader knows it to have was kept before it was said. Raft would panic.
            MessageType::MsgHeartbeat if message.commit > self.last() => {
                self.lacks_entries = true;
                return;
            }
            _ => {}
        }
        // An error says that it came from nobody who matters, or too late.
        let _ = self.raft.step(message);
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
