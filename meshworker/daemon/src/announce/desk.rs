//! Where the members of one cluster announce themselves.

mod claim;
mod entry;
mod no_word;
mod orders;
mod patience;
mod roll;
mod start;

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use meshworker_core::{Authority, Fence, MemberId, Place, Report, Tell, Witness};
use meshworker_engines::{Alone, Mandate};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::routes::LONGEST_TEXT;
use super::{Announcement, Answer, Findings, HELD, Phase};
use crate::turned_away::Register;

pub use claim::{Refused, Speaker};
pub use entry::EXPIRES;
use entry::{Entry, Key};
pub use no_word::NoWord;
use patience::Patience;
use roll::Roll;

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
    inner: Mutex<Roll>,
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

impl Default for Desk {
    fn default() -> Desk {
        Desk {
            inner: Mutex::new(Roll::new()),
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
        inner: &mut Roll,
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
    fn at(&self, now: Instant) -> MutexGuard<'_, Roll> {
        let mut inner = self.lock();
        let count = |inner: &Roll| inner.members.len() + inner.orders.len();
        let before = count(&inner);
        inner.members.retain(|_, entry| now < entry.expires());
        inner.orders.retain(|_, order| now < order.expires());
        if count(&inner) != before {
            self.tell();
        }
        inner
    }

    fn lock(&self) -> MutexGuard<'_, Roll> {
        // Each change is whole when the lock is given back: nothing can be half
        // done.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Always under the lock, so that a report and its number belong together.
    fn tell(&self) {
        self.news.send_modify(|number| *number += 1);
    }
}

#[cfg(test)]
mod tests;
