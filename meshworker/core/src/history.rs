//! What the worker remembers from pass to pass.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::handover::Handover;
use crate::kept::Kept;
use crate::numbers::Numbers;
use crate::stance::Stance;
use crate::{Backoff, Context, MemberId, Moment, Place, Request, Situation, Step, Touches, View};

/// So many within [`crate::Limits::succession_window`] are no accident.
const MOST_SUCCESSIONS: usize = 3;

/// What the worker remembers from pass to pass.
///
/// It only ever delays: whoever starts with an empty history repeats a request
/// that is idempotent, and waits once more before it forgets a member. So a
/// restart at any moment is harmless.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// When this worker looked first.
    pub(crate) began_at: Option<Moment>,
    /// Which numbers of each service have been heard of, or are known to be free.
    pub(crate) heard_numbers: BTreeMap<String, Numbers>,
    /// Since when each address has answered in every look.
    pub(crate) answering: BTreeMap<Place, Moment>,
    /// Requests whose effect did not show yet, by [`crate::Step::key`].
    pub(crate) attempts: BTreeMap<String, Backoff>,
    /// The addresses that a join was planned for, when that was last, and how often lately.
    pub(crate) joins: BTreeMap<Place, (Moment, u32)>,
    /// Since when everything has agreed, without a break, that a node is gone.
    pub(crate) agreed: BTreeMap<String, Moment>,
    /// Departed nodes that the survivors were told to forget, and when.
    pub(crate) forgotten: BTreeMap<String, Moment>,
    /// The nodes that anybody remembered as departed in the last pass, where they were, and
    /// who remembered them.
    pub(crate) departed: BTreeMap<String, (Option<Place>, BTreeSet<Place>)>,
    /// The node that was forgotten last, and when that was tried: first, or last as long as nobody has forgotten it.
    pub(crate) last_removal: Option<(String, Moment)>,
    /// The node that another worker made the others forget last, and when that
    /// was seen.
    pub(crate) removed_by_another: Option<(String, Moment)>,
    /// Since when everything has agreed, without a break, that a member may stop.
    pub(crate) ready: BTreeMap<Place, Moment>,
    /// Since when somebody who is to stay has not been up.
    pub(crate) awaited: Option<Moment>,
    /// Who was held to be alive in the last pass.
    pub(crate) alive: BTreeSet<Place>,
    /// Members that were let go and are not gone yet, and when they were last
    /// told so.
    pub(crate) released: BTreeMap<Place, Moment>,
    /// What the going of each touches that is on its way out, or was let go.
    pub(crate) touched: BTreeMap<Place, Touches>,
    /// Since when each of them has been told so, and which task it is: whoever has its
    /// address next was told nothing.
    pub(crate) granted: BTreeMap<Place, (Moment, Option<String>)>,
    /// Members that were told to start and are not up yet: what their coming touches, and
    /// since when.
    pub(crate) nominated: BTreeMap<Place, (Touches, Moment)>,
    /// Those of them that did not come up in time: the others are tried before them.
    pub(crate) nominated_in_vain: BTreeSet<Place>,
    /// Members that were let go for long, did not go, and wait once more, and
    /// since when.
    pub(crate) yielded: BTreeMap<Place, Moment>,
    /// What the member at each address was about when it was seen last, and
    /// when that was.
    pub(crate) stances: BTreeMap<Place, (Stance, Moment)>,
    /// Where another cluster's node answered that a witness named as ours, and when it was
    /// named last.
    pub(crate) strangers: BTreeMap<Place, Moment>,
    /// Which node answered last at each of these addresses, and whose it was.
    pub(crate) homes: BTreeMap<Place, (String, MemberId)>,
    /// The nodes that were let go, or said that they stop, and when they were last seen so:
    /// others may have their addresses by now.
    pub(crate) parted: BTreeMap<String, Moment>,
    /// How much each leaver had left when that was counted first, and when.
    pub(crate) began: BTreeMap<Place, (Moment, u64)>,
    /// Whose each address was last, and which node answered there: another node
    /// at the same address is another member's, until we are told whose.
    pub(crate) places: BTreeMap<Place, Resident>,
    /// Addresses whose member was forgotten, and when.
    pub(crate) freed: BTreeMap<Place, Moment>,
    /// Since when a freed address has answered as a member again.
    pub(crate) returned: BTreeMap<Place, Moment>,
    /// Since when most members have been gone.
    pub(crate) vanished: Option<Moment>,
    /// Since when nobody has answered at an address that only a name server lists.
    pub(crate) unheard: BTreeMap<Place, Moment>,
    /// How many members were wished for, or were one, when that was known last.
    pub(crate) wished: usize,
    /// Where the members are that were one when they were so last.
    pub(crate) together: BTreeSet<Place>,
    /// Whether the members were ever one.
    pub(crate) was_one: bool,
    /// The swarm nodes on which members were seen, and when that was last.
    pub(crate) nodes: BTreeMap<String, Moment>,
    /// Who held which data when all copies of it were there last, and what is lost.
    pub(crate) kept: Kept,
    /// The last word of an operator that he knows what is missing.
    pub(crate) acknowledged: u64,
    /// Who was told to take a primary's place, and has not been seen to yet.
    pub(crate) promoted: Option<Place>,
    /// When members took a primary's place lately.
    pub(crate) successions: Vec<Moment>,
    /// How the primary's place is given away.
    pub(crate) handover: Handover,
    /// Orders to forget that stood for a departed node, and for which one.
    pub(crate) obeyed: BTreeMap<String, String>,
    /// Those of them that are carried out: whoever is called so from now on is
    /// somebody else.
    pub(crate) spent: BTreeSet<String>,
}

/// Who was at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resident {
    /// The member.
    pub(crate) member: MemberId,
    /// Its node in the database.
    pub(crate) node: String,
    /// When it answered there first, and last.
    pub(crate) since: Moment,
    pub(crate) last: Moment,
}

impl History {
    /// Takes back what was noted of removals that were planned and are not made
    /// after all: the next decision finds what `before` knew of them.
    pub fn take_back<R: Request>(&mut self, before: &History, planned: &[Step<R>]) {
        self.forgotten.clone_from(&before.forgotten);
        self.last_removal.clone_from(&before.last_removal);
        self.freed.clone_from(&before.freed);
        self.promoted = before.promoted;
        self.successions.clone_from(&before.successions);
        self.handover.clone_from(&before.handover);
        for (address, stance) in &before.stances {
            self.stances.entry(*address).or_insert(*stance);
        }
        for key in planned.iter().map(Step::key) {
            match before.attempts.get(&key) {
                Some(backoff) => self.attempts.insert(key, *backoff),
                None => self.attempts.remove(&key),
            };
        }
    }

    /// Notes whether whoever was told to take a primary's place has: who only began, and was
    /// refused, keeps nobody else from it.
    pub(crate) fn note_successions<D>(&mut self, situation: &Situation<'_, D>, now: Moment) {
        let answer = self.promoted.and_then(|at| situation.answers.get(&at));
        let is_primary = |view: &View<D>| view.role.is_some_and(|role| role.primary);
        // Whoever has ended meanwhile may have been it.
        let was_told = self.promoted.is_some();
        if was_told && answer.is_none_or(|answer| answer.as_ref().map_or(true, is_primary)) {
            self.promoted = None;
            self.successions.push(now);
        }
    }

    /// Why no other member may take a primary's place yet; an acknowledgement forgets those
    /// before.
    pub(crate) fn succeeded_lately(&self, context: &Context<'_>) -> Option<String> {
        let Context { now, limits, .. } = context;
        let since = self.successions.iter().map(|at| now.since(*at));
        let lately: Vec<Duration> = since
            .filter(|since| *since < limits.succession_window)
            .collect();
        let last = lately.iter().min()?;
        let often = lately.len() >= MOST_SUCCESSIONS;
        (often || *last < limits.succession_pause).then(|| {
            format!(
                "{} within {} s, the last {:.0} s ago; `meshworker acknowledge` lets the next one",
                crate::counted(lately.len(), "fail-overs"),
                limits.succession_window.as_secs(),
                last.as_secs_f64()
            )
        })
    }

    /// Why nobody who is rather to be the primary becomes it yet: whoever is it came by it in a
    /// fail-over, and that one may fail again.
    pub(crate) fn succeeded_just_now(&self, context: &Context<'_>) -> Option<String> {
        let Context { now, limits, .. } = context;
        let since = self.successions.iter().map(|at| now.since(*at)).min()?;
        (since < limits.succession_pause).then(|| {
            format!(
                "a fail-over was {:.0} s ago; `meshworker acknowledge` lets it be at once",
                since.as_secs_f64()
            )
        })
    }

    /// How often a request was made that is not to be made again yet, and for how long it is not.
    pub(crate) fn awaits<R: Request>(
        &self,
        step: &Step<R>,
        context: &Context<'_>,
    ) -> Option<(u32, Duration)> {
        let key = step.key();
        let backoff = self.attempts.get(&key)?;
        // What was only thought of keeps nothing waiting but itself.
        if backoff.attempts == 0 && !step.request.is_last_resort() {
            return None;
        }
        let left = backoff.left(&key, context.seed, context.limits, context.now);
        (!left.is_zero()).then_some((backoff.attempts, left))
    }

    /// Whether this node is the one that was forgotten last.
    pub(crate) fn is_last_removal(&self, node: &str) -> bool {
        self.last_removal
            .as_ref()
            .is_some_and(|(last, _)| last == node)
    }

    /// What the member at this address was about when it was seen last.
    pub(crate) fn stance(&self, at: Place) -> Option<Stance> {
        self.stances.get(&at).map(|(stance, _)| *stance)
    }

    /// Whether a member has answered at this address lately.
    pub(crate) fn has_answered(&self, at: Place) -> bool {
        self.stance(at).is_some_and(Stance::has_answered)
    }

    /// Whether the member at this address has vanished if it is not there. One that was
    /// only meant to go still waits, perhaps cut off from us.
    pub(crate) fn is_missed(&self, at: Place) -> bool {
        self.stance(at) != Some(Stance::Parted)
    }

    /// Whether the member at this address goes by now, whatever anybody says.
    pub(crate) fn parts(&self, at: Place) -> bool {
        self.released.contains_key(&at) || self.stance(at) == Some(Stance::Parted)
    }

    /// Whether the goings of these two touch each other, as far as that is known.
    pub(crate) fn meet(&self, one: &Place, other: &Place) -> bool {
        let both = self.touched.get(one).zip(self.touched.get(other));
        both.is_none_or(|(one, other)| one.meets(other))
    }

    /// Notes that the member at this address, which is this task, was let go `now`.
    pub(crate) fn let_go(&mut self, at: Place, task: Option<String>, now: Moment) {
        self.released.insert(at, now);
        let (_, known) = self.granted.entry(at).or_insert((now, None));
        *known = known.take().or(task);
        self.part(at, now);
    }

    /// Notes that the member at this address goes `now`, and nobody waits for it.
    pub(crate) fn part(&mut self, at: Place, now: Moment) {
        self.stances.insert(at, (Stance::Parted, now));
    }
}
