//! Where the members of one cluster announce themselves.

mod claim;
mod no_word;
mod orders;
mod patience;

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use meshworker_core::{
    Authority, Fence, MemberId, Place, Presence, Report, Sighting, Tell, Witness,
};
use meshworker_engines::{Alone, Mandate};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::routes::LONGEST_TEXT;
use super::{Announcement, Answer, Findings, HELD, Phase, Verdict};
use crate::turned_away::Register;

pub use claim::{Refused, Speaker};
pub use no_word::NoWord;
use orders::Ordered;
use patience::Patience;

/// Whoever has not announced itself for this long does not any more. Supervisors
/// renew each second: four may be lost on the way.
pub const EXPIRES: Duration = Duration::from_secs(5);

/// That its database has ended is a supervisor's last word, and is remembered for longer
/// than the others take to notice and a removal is held, together.
const LAST_WORD: Duration = Duration::from_secs(30);

/// After this long every member has announced itself, each second, to a desk
/// that was just opened.
const EVERYBODY: Duration = Duration::from_secs(2);

/// For so long a claim on a slot holds up its successor although nobody answers there
/// and no witness lists it: a database that loads its data from disk.
const UNSEEN: Duration = Duration::from_secs(120);

/// Twice as many members as any of the databases can have: while a service is updated,
/// a slot has two.
pub(crate) const MOST_MEMBERS: usize = 2048;

/// What one takes at the most, in bytes: its four texts, of which two are kept twice, its node's name, what
/// is on its disk, what stands around them, and the same once more in the last report.
pub(crate) const A_MEMBER: usize = 2 * (6 * LONGEST_TEXT + 2 * A_NAME + A_DISK) + 1024;

/// The name of its node, and the allocator's share of it.
const A_NAME: usize = 64 + 16;

/// What is on its disk: four words.
const A_DISK: usize = 4 * 64;

/// So many refusals are told with one pass.
const MOST_NEWS: usize = 8;

/// Where the members of one cluster announce themselves, and get their answers
/// from what the worker found last. Decides nothing.
#[derive(Debug)]
pub struct Desk {
    inner: Mutex<Inner>,
    /// Counts what the worker has to look at.
    news: watch::Sender<u64>,
    /// Wakes whose answers are held: whether more will be found out here.
    found: watch::Sender<bool>,
    /// Whether the worker does nothing: then nobody is to wait for its word.
    only_plans: AtomicBool,
    /// The cluster's own port.
    usual: OnceLock<u16>,
    /// Whether the worker may act, and give its word.
    mandate: Mutex<Arc<dyn Mandate>>,
    /// The highest fence that a member here has heard from workers.
    fence: AtomicU64,
    /// Whose announcements were refused.
    refused: Arc<Register>,
}

#[derive(Debug)]
struct Inner {
    opened: Instant,
    members: BTreeMap<Key, Entry>,
    /// Whom operators' orders have leave, by their addresses.
    orders: BTreeMap<Place, Ordered>,
    /// How many members ever came to this desk.
    came: u64,
    findings: Option<Findings>,
    /// What was not heard, and nobody asked for yet.
    refused_news: VecDeque<String>,
}

/// One task of one slot at one address: a slot may have two for a while, the old
/// and the new. What is said of another address touches nothing here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    service: String,
    slot: u64,
    task: String,
    address: Place,
}

#[derive(Debug)]
struct Entry {
    said: Announcement,
    /// How many members had come before this one.
    position: u64,
    /// When it came.
    came: Instant,
    /// When this was said first, as far as it matters to a pass.
    since: Instant,
    /// When it was said last.
    renewed: Instant,
    speaker: Speaker,
    patience: Patience,
}

impl Key {
    fn of(said: &Announcement) -> Key {
        Key {
            service: said.service.clone(),
            slot: said.slot,
            task: said.task.clone(),
            address: said.place(),
        }
    }
}

impl Entry {
    /// Until when it counts, unless it is said again.
    fn expires(&self) -> Instant {
        let last = self.said.phase == Phase::Ended && self.speaker == Speaker::Itself;
        self.renewed + if last { LAST_WORD } else { EXPIRES }
    }
}

impl Default for Desk {
    fn default() -> Desk {
        Desk {
            inner: Mutex::new(Inner {
                opened: Instant::now(),
                members: BTreeMap::new(),
                orders: BTreeMap::new(),
                came: 0,
                findings: None,
                refused_news: VecDeque::new(),
            }),
            news: watch::Sender::new(0),
            found: watch::Sender::new(true),
            only_plans: AtomicBool::new(false),
            usual: OnceLock::new(),
            mandate: Mutex::new(Arc::new(Alone)),
            fence: AtomicU64::new(0),
            refused: Arc::default(),
        }
    }
}

impl Desk {
    /// Notes what a member says of itself.
    ///
    /// What it said of an earlier phase, and what came late, is not heard.
    ///
    /// # Errors
    ///
    /// Whoever speaks may not speak for it, or it is one member too many.
    pub fn hear(&self, said: &Announcement, speaker: Speaker, now: Instant) -> Result<(), Refused> {
        let mut inner = self.at(now);
        let key = Key::of(said);
        let who = (said.member(), said.place());
        match inner.judge(said, speaker) {
            Err(refused) => return Err(self.refuse(&mut inner, who, refused)),
            Ok(gives_way) => inner.members.retain(|key, _| !gives_way.contains(key)),
        }
        if speaker == Speaker::Itself {
            inner.speaks_for_itself(said.place());
        }
        if let Some(entry) = inner.members.get_mut(&key) {
            // Others number as they like: its own word begins anew.
            let outranked = entry.speaker == Speaker::Other && speaker != Speaker::Other;
            if said.generation < entry.said.generation && !outranked {
                return Ok(());
            }
            entry.renewed = now;
            entry.speaker = speaker;
            if entry.said != *said {
                entry.said = said.clone();
                entry.since = now;
                // Who changes his word all the time wakes nobody: the next pass
                // sees it anyway.
                if entry.patience.allows(now) {
                    self.tell();
                }
            }
            return Ok(());
        }
        if inner.members.len() >= MOST_MEMBERS && !inner.make_room(said.address) {
            return Err(self.refuse(&mut inner, who, Refused::Full(MOST_MEMBERS)));
        }
        let entry = Entry {
            said: said.clone(),
            position: inner.came,
            came: now,
            since: now,
            renewed: now,
            speaker,
            patience: Patience::new(now),
        };
        inner.came += 1;
        inner.members.insert(key, entry);
        self.tell();
        Ok(())
    }

    /// What the worker found out about this member. Says nothing of it unless a
    /// pass has looked since it announced just this, a short while ago.
    pub fn answer(&self, asks: &Announcement, now: Instant) -> Answer {
        let inner = self.at(now);
        let mut answer = Answer {
            generation: asks.generation,
            in_place: false,
            cluster: "no pass has looked yet".to_owned(),
            verdict: (asks.phase == Phase::Waiting)
                .then(|| inner.may_start(asks, now))
                .flatten(),
            tell: None,
            siblings: Vec::new(),
            fence: self
                .authority()
                .fence()
                .filter(|fence| *fence != Fence(0))
                .map(|fence| fence.0),
            mark: None,
        };
        let Some(findings) = &inner.findings else {
            return answer;
        };
        if let Some(age) = findings.stale(now) {
            let age = age.as_secs_f64();
            answer.cluster = format!("the last look is {age:.1} s old");
            return answer;
        }
        answer.cluster = findings.unity().to_owned();
        answer.siblings = findings.siblings(&asks.service);
        let waits = asks.phase == Phase::Waiting;
        if waits {
            // Where several wait, their data may be what the others miss.
            answer.in_place = findings.settled() && !inner.others_wait(asks);
        }
        let heard = inner.members.get(&Key::of(asks));
        // Of two at one address the worker saw the newer one.
        let heard = heard.filter(|entry| entry.said == *asks && inner.has_its_address(entry));
        if heard.is_some_and(|entry| findings.looked_after(entry.since)) {
            let acts =
                !self.only_plans.load(Ordering::Relaxed) && findings.hold_under(&self.authority());
            let tell = findings.tell(asks).filter(|_| acts);
            if waits {
                let free = answer.verdict.as_ref().is_some_and(|one| one.granted);
                answer.tell = tell.filter(|_| free);
                return answer;
            }
            // Whoever runs is told nothing else.
            answer.tell = tell.filter(|told| matches!(told.tell, Tell::Kill { .. }));
            answer.in_place = findings.in_place(asks.place());
            if asks.phase == Phase::Leaving && findings.hold_under(&self.authority()) {
                answer.verdict = findings.verdict(asks.member(), asks.place());
            }
        }
        answer
    }

    /// The same, once it is another answer than that of this mark, or after [`HELD`]. May
    /// be cancelled.
    pub async fn other_answer(&self, asks: &Announcement, than: u64) -> Answer {
        let mut found = self.found.subscribe();
        let mut over = pin!(sleep(HELD));
        loop {
            let open = *found.borrow_and_update();
            let answer = self.answer(asks, Instant::now());
            if !open || answer.own_mark() != than {
                return answer;
            }
            tokio::select! {
                // The sender is ours, so there is always one.
                _ = found.changed() => {}
                () = &mut over => return self.answer(asks, Instant::now()),
            }
        }
    }

    /// Whether its worker only plans, so that its word on who may go is none.
    pub fn only_plans(&self, only_plans: bool) {
        self.only_plans.store(only_plans, Ordering::Relaxed);
    }

    /// The cluster's own port is this one.
    pub fn usual_port(&self, port: u16) {
        self.usual.get_or_init(|| port);
    }

    /// The same announcement: one place is one value, whether or not it names the cluster's
    /// own port.
    pub fn placed(&self, said: Announcement) -> Announcement {
        let port = said.port.filter(|port| self.usual.get() != Some(port));
        Announcement { port, ..said }
    }

    /// Whether its worker may act is to be read there.
    pub fn under(&self, mandate: Arc<dyn Mandate>) {
        *self.mandate.lock().unwrap_or_else(PoisonError::into_inner) = mandate;
    }

    /// Whether its worker may act.
    fn authority(&self) -> Authority {
        let mandate = self.mandate.lock();
        mandate.unwrap_or_else(PoisonError::into_inner).authority()
    }

    /// Why whoever is in this phase has to ask another worker, if it has to.
    pub fn has_no_word_for(&self, phase: Phase) -> Option<NoWord> {
        if phase == Phase::Leaving && self.only_plans.load(Ordering::Relaxed) {
            return Some(NoWord::OnlyPlans);
        }
        match self.authority() {
            Authority::Yielded(to) if phase.asks() => Some(NoWord::Yields(to)),
            Authority::Yielded(_) | Authority::Held(_) => None,
        }
    }

    /// Notes the highest fence that a member has heard from workers, for whoever acts: of one
    /// that it cannot have heard no more than is believed.
    pub fn hear_of(&self, fence: u64) {
        if let Some(own) = self.authority().fence() {
            let Fence(most) = own.furthest();
            self.fence.fetch_max(fence.min(most), Ordering::Relaxed);
        }
    }

    /// The highest fence that a member here has heard from workers, as far as it said so:
    /// whoever begins to act is to do so under a higher one.
    pub fn fence(&self) -> Fence {
        Fence(self.fence.load(Ordering::Relaxed))
    }

    /// How many members announce themselves, and how many of them wait to be let go.
    pub fn who_waits(&self, now: Instant) -> (usize, usize) {
        let inner = self.at(now);
        let said = inner.members.values().map(|entry| &entry.said);
        let waiting = said.filter(|said| said.phase == Phase::Leaving);
        (inner.members.len(), waiting.count())
    }

    /// What the worker found last: what members are answered from now on.
    pub fn publish(&self, findings: Findings) {
        self.lock().findings = Some(findings);
        self.found.send_replace(true);
    }

    /// Holds no answer any more: nothing will be found out here.
    pub(super) fn close(&self) {
        self.found.send_replace(false);
    }

    /// Who announces itself, and the number of the news in it.
    pub fn report(&self, now: Instant) -> (Report, u64) {
        let inner = self.at(now);
        let mut report = Report::addresses(Witness::Announce, []);
        let there = inner
            .believed()
            .into_values()
            .map(|entry| inner.sighting(entry));
        report.sightings.extend(there);
        if !report.sightings.is_empty() {
            report.grade = meshworker_core::Grade::Answer;
        }
        (report, *self.news.borrow())
    }

    /// Whose announcements were refused.
    pub fn refused(&self) -> &Arc<Register> {
        &self.refused
    }

    /// What was refused since this was asked for last, and is news.
    pub fn refused_news(&self) -> Vec<String> {
        self.lock().refused_news.drain(..).collect()
    }

    fn refuse(
        &self,
        inner: &mut Inner,
        (member, address): (MemberId, Place),
        refused: Refused,
    ) -> Refused {
        let who = format!("{member} at {address}");
        let why = refused.to_string();
        // Whoever says it again each second is told of once.
        if self.refused.note(&who, &why) && inner.refused_news.len() < MOST_NEWS {
            inner.refused_news.push_back(format!("{who}: {why}"));
        }
        refused
    }

    /// Resolves when there is other news than that of this number.
    pub async fn news_since(&self, number: u64) {
        let mut news = self.news.subscribe();
        loop {
            let next = self.at(Instant::now()).next_expiry();
            if *news.borrow_and_update() != number {
                return;
            }
            let expiry = async {
                match next {
                    Some(next) => tokio::time::sleep_until(next).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                // The sender is ours, so there is always one.
                _ = news.changed() => {}
                () = expiry => {}
            }
        }
    }

    /// What is known at this moment: whoever was silent for too long is dropped.
    fn at(&self, now: Instant) -> MutexGuard<'_, Inner> {
        let mut inner = self.lock();
        let count = |inner: &Inner| inner.members.len() + inner.orders.len();
        let before = count(&inner);
        inner.members.retain(|_, entry| now < entry.expires());
        inner.orders.retain(|_, order| now < order.expires());
        if count(&inner) != before {
            self.tell();
        }
        inner
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Each change is whole when the lock is given back: nothing can be half
        // done.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Always under the lock, so that a report and its number belong together.
    fn tell(&self) {
        self.news.send_modify(|number| *number += 1);
    }
}

impl Inner {
    /// Who is at each address: of two that say so the one that came first.
    fn believed(&self) -> BTreeMap<Place, &Entry> {
        let mut believed: BTreeMap<Place, &Entry> = BTreeMap::new();
        for entry in self.members.values() {
            let there = believed.entry(entry.said.place()).or_insert(entry);
            if entry.position < there.position {
                *there = entry;
            }
        }
        believed
    }

    fn has_its_address(&self, entry: &Entry) -> bool {
        let better = |other: &Entry| {
            other.said.place() == entry.said.place() && other.position < entry.position
        };
        !self.members.values().any(better)
    }

    fn sighting(&self, entry: &Entry) -> Sighting {
        let mut sighting = sighting(&entry.said);
        // That it has ended is its own supervisor's word, and nobody else's.
        if sighting.presence == Presence::Ended && entry.speaker != Speaker::Itself {
            sighting.presence = Presence::Stopping;
        }
        let member = sighting.member.filter(|_| !self.came_second(entry));
        Sighting { member, ..sighting }
    }

    /// Whether another slot's member waits as well for a directory. One that waits to be told
    /// how its database is started is a spare, and nobody misses it.
    fn others_wait(&self, asks: &Announcement) -> bool {
        let slot = |said: &Announcement| (said.service.clone(), said.slot);
        let wait = |said: &Announcement| said.phase == Phase::Waiting && said.disk.is_none();
        wait(asks)
            && (self.members.values())
                .any(|other| wait(&other.said) && slot(&other.said) != slot(asks))
    }

    /// Whether a member that waits to start may do so: whether no other task of
    /// its slot runs on another node. On its own node it sees for itself, by
    /// the lock of the directory that they share.
    fn may_start(&self, asks: &Announcement, now: Instant) -> Option<Verdict> {
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

    /// Takes the place of one for whom no witness speaks, if a witness lists this
    /// address. Whether there is room now.
    fn make_room(&mut self, address: IpAddr) -> bool {
        let Some(findings) = &self.findings else {
            return false;
        };
        let stranger = |(_, entry): &(&Key, &Entry)| !findings.vouched(entry.said.address);
        let strangers = self.members.iter().filter(stranger);
        let newest = strangers.max_by_key(|(_, entry)| entry.position);
        let newest = newest.map(|(key, _)| key.clone());
        let key = newest.filter(|_| findings.vouched(address));
        key.is_some_and(|key| self.members.remove(&key).is_some())
    }

    fn next_expiry(&self) -> Option<Instant> {
        let members = self.members.values().map(Entry::expires);
        let orders = self.orders.values().map(Ordered::expires);
        members.chain(orders).min()
    }
}

fn sighting(said: &Announcement) -> Sighting {
    let some = |text: &String| (!text.is_empty()).then(|| text.clone());
    Sighting {
        address: said.place(),
        member: Some(said.member()),
        node: some(&said.node),
        node_name: said.node_name.clone(),
        task: some(&said.task),
        part: None,
        presence: match said.phase {
            // One that waits to be told volunteers: nobody counts on it before.
            Phase::Waiting if said.disk.is_some() => Presence::Spare,
            Phase::Waiting => Presence::Waiting,
            Phase::Present => Presence::Present,
            Phase::Leaving => Presence::Leaving,
            Phase::Stopping => Presence::Stopping,
            Phase::Ended => Presence::Ended,
        },
        disk: said.disk.clone().map(Box::new),
        known_as: said.known_as,
    }
}

#[cfg(test)]
mod tests;
