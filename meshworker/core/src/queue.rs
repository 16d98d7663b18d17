//! The leave queue: who of those that are meant to go may stop now.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::numbers;
use crate::sight;
use crate::stance::Stance;
use crate::{
    Authority, Context, Floor, Gate, Going, History, Leave, Leaver, Member, MemberId, Place,
    Presence, Progress, Release, Request, Situation, Standing, Step, Touches, Unanswered, Unity,
};

/// Who is on its way out, and the steps that bring them nearer.
pub(crate) struct Queue<R> {
    /// The leavers, in the order of their turns.
    pub(crate) leavers: Vec<Leaver>,
    /// What is done for them now.
    pub(crate) steps: Vec<Step<R>>,
}

/// What the queue is decided from.
pub(crate) struct Leaving<'a, D> {
    /// Time and bounds.
    pub(crate) context: &'a Context<'a>,
    /// Everything that was seen.
    pub(crate) situation: &'a Situation<'a, D>,
    /// The fewest members that must stay.
    pub(crate) floor: Floor,
    /// Whether the members are one cluster, as the engine says.
    pub(crate) unity: &'a Unity,
    /// Who is held to be alive and counts.
    pub(crate) alive: &'a BTreeSet<Place>,
    /// Nodes whose work leads nowhere: it is waited for by nobody.
    pub(crate) stuck: &'a BTreeSet<String>,
    /// Where the nodes were that the database holds to be gone.
    pub(crate) departed: BTreeSet<Place>,
    /// What one of those nodes holds alone, as far as the database can tell.
    pub(crate) missed: Option<String>,
    /// Whether somebody is on its way out who was never in: an update takes one after
    /// another, and this is none.
    pub(crate) outsider_goes: bool,
}

impl<D> Leaving<'_, D> {
    /// Leads everybody who is meant to go through the gates, in the engine's
    /// order. Those whose goings touch each other go one after another, unless all go.
    pub(crate) fn queue<R: Request>(
        &self,
        leaves: Vec<Leave<R>>,
        history: &mut History,
    ) -> Queue<R> {
        let alive = self.alive;
        let touched = leaves.iter().map(|l| (l.address, l.touches.clone()));
        history.touched.extend(touched);
        let before = history.ready.clone();
        begin_anew(alive, history);
        self.note_gone(alive, history);
        sight::note(self.context, self.situation, history);
        let now = self.context.now;
        let awaited = self.not_up().next().is_some();
        history.awaited = awaited.then(|| history.awaited.unwrap_or(now));
        let everybody = self.everybody_goes(alive, history);
        if everybody {
            history.ready = before;
        }
        history.alive.clone_from(alive);
        let leaving: BTreeSet<Place> = leaves.iter().map(|leave| leave.address).collect();
        let History {
            touched, released, ..
        } = history;
        let goes = |at: &Place| leaving.contains(at) || released.contains_key(at);
        touched.retain(|at, _| goes(at) || alive.contains(at));
        let going = |address: &Place| {
            self.situation
                .roster
                .at(*address)
                .is_some_and(Member::is_going)
        };
        history.ready.retain(|address, _| going(address));
        history.began.retain(|address, _| leaving.contains(address));
        self.yield_turns(&first_together(&leaves), history);

        let mut leavers = Vec::new();
        let mut steps = Vec::new();
        let mut turns: Vec<Touches> = Vec::new();
        for (position, leave) in leaves.into_iter().enumerate() {
            let Some(member) = self.situation.roster.at(leave.address) else {
                continue;
            };
            let going = if everybody {
                Going::Everybody
            } else {
                self.situation.going(member)
            };
            let closed = if self.context.orders.dry_run {
                Some(only_plans())
            } else if everybody {
                None
            } else {
                self.closed(&leave, going, alive, history)
            };
            let mut closed = self.before_the_hold(leave.address, closed, history);
            if closed.is_none() && !everybody && !leave.last.is_empty() {
                steps.extend(leave.last);
                let seen = "it is taken out of the cluster first".to_owned();
                closed = Some((Gate::Settled, seen));
            }
            let release = self.let_go(leave.address, closed, history);
            // Whoever cannot wait is helped at once, the others in their turn:
            // moving the data of two to the same place at a time would move some of
            // it twice. From one that is to stay nothing is taken, and nobody waits
            // for it.
            let patient = member.is_patient();
            let stays = patient && self.below_floor(leave.address, going, history).is_some();
            let held = self.held_by_order(&member.id, leave.address).is_some();
            let mut before = turns.iter();
            let waits = stays || patient && before.any(|other| other.meets(&leave.touches));
            // What was begun for it may not show yet, and what comes next depends on it.
            let busy = self.context.busy.contains(&leave.address);
            if !everybody && !waits && !busy {
                steps.extend(leave.steps);
            }
            let freed = release.is_granted() && self.is_drained(member);
            if patient && !stays && !held && !freed {
                turns.push(leave.touches);
            }
            leavers.push(Leaver {
                member: member.id.clone(),
                address: leave.address,
                node: leave.node,
                going,
                place: position + 1,
                estimate: self.estimate(leave.address, leave.progress.as_ref(), history),
                progress: leave.progress,
                patient,
                release,
            });
        }
        self.unheard(everybody, alive, history, &mut leavers);
        self.last_ones(&mut leavers);
        Queue { leavers, steps }
    }

    /// Gate 7: the others have been open for the hold time.
    fn before_the_hold(
        &self,
        address: Place,
        closed: Option<(Gate, String)>,
        history: &mut History,
    ) -> Option<(Gate, String)> {
        if closed.is_some() {
            history.ready.remove(&address);
            return closed;
        }
        let now = self.context.now;
        let since = *history.ready.entry(address).or_insert(now);
        let left = (self.context.limits.leave_hold).saturating_sub(now.since(since));
        (!left.is_zero()).then(|| {
            let seen = format!("{:.1} s are left", left.as_secs_f64());
            (Gate::Settled, seen)
        })
    }

    fn let_go(
        &self,
        address: Place,
        closed: Option<(Gate, String)>,
        history: &mut History,
    ) -> Release {
        let member = self.situation.roster.at(address);
        let task = member.and_then(|member| member.task.clone());
        self.granted(closed, || history.let_go(address, task, self.context.now))
    }

    /// The word on a member, which only the worker that acts may give. `note` notes that
    /// it was given.
    pub(crate) fn granted(&self, closed: Option<(Gate, String)>, note: impl FnOnce()) -> Release {
        if let Some((gate, seen)) = closed {
            return Release::Held { gate, seen };
        }
        if let Authority::Yielded(to) = self.context.authority {
            return Release::Held {
                gate: Gate::Authority,
                seen: format!("another worker acts: {to}"),
            };
        }
        note();
        Release::Granted
    }

    /// Lets the member go once everything has held for the hold time.
    pub(crate) fn after_the_hold(
        &self,
        address: Place,
        closed: Option<(Gate, String)>,
        history: &mut History,
    ) -> Release {
        let closed = self.before_the_hold(address, closed, history);
        self.let_go(address, closed, history)
    }

    /// Gates 1 to 6: what this pass alone can tell. The first that is closed,
    /// and what was seen there.
    fn closed<R>(
        &self,
        leave: &Leave<R>,
        going: Going,
        alive: &BTreeSet<Place>,
        history: &History,
    ) -> Option<(Gate, String)> {
        let answers = |address: &Place| matches!(self.situation.answers.get(address), Some(Ok(_)));
        // 1. No operator holds it, and nobody else is on its way out whose going
        // touches its own. The others on their way count as gone from here on.
        let member = self.situation.roster.at(leave.address);
        let id = member.map_or(MemberId::Address(leave.address), |m| m.id.clone());
        if let Some(held) = self.held_by_order(&id, leave.address) {
            return Some(held);
        }
        let others = self.situation.roster.members().iter();
        let mut others = others.filter(|other| other.address != leave.address);
        let stopping = others.find(|other| {
            let goes = other.is_stopping() || (!other.is_patient() && other.is_going());
            let there = answers(&other.address) || alive.contains(&other.address);
            goes && there && history.meet(&other.address, &leave.address)
        });
        if let Some(other) = stopping {
            return Some((Gate::Turn, format!("{} stops first", other.id)));
        }
        let mut released = history.released.keys();
        let released = released.find(|at| {
            let member = self.situation.roster.at(**at);
            **at != leave.address
                && !member.is_some_and(|other| self.is_drained(other))
                && history.meet(at, &leave.address)
        });
        if let Some(other) = released {
            return Some((Gate::Turn, format!("{other} was let go first")));
        }
        if history.yielded.contains_key(&leave.address) {
            let seen = "it was let go, did not go, and the others have their turn".into();
            return Some((Gate::Turn, seen));
        }
        // 2. Nobody who counts is silent.
        let goes = |at: &Place| history.parts(*at) && !history.meet(at, &leave.address);
        let mut counted = alive.iter().filter(|address| !goes(address));
        if let Some(silent) = counted.find(|address| !answers(address)) {
            let seen = format!("{silent} is held to be alive and does not answer");
            return Some((Gate::MembersAnswer, seen));
        }
        if self.situation.wanted().next().is_none()
            && let Some(other) = self.never_heard(history)
        {
            let seen = format!("{other} was never heard of, and may be one that stays");
            return Some((Gate::MembersAnswer, seen));
        }
        // 3. Those that stay are one.
        if let Unity::Apart { missing } = self.unity {
            return Some((Gate::MembersAgree, missing.clone()));
        }
        // And it is one with them: otherwise what it holds is nowhere else.
        if let Some(node) = self.apart_from(leave) {
            let seen = format!("{} is not in one cluster with {node}", leave.node);
            return Some((Gate::MembersAgree, seen));
        }
        // 4. Enough stay.
        if let Some(below) = self.below_floor(leave.address, going, history) {
            return Some(below);
        }
        // 5. It holds nothing alone.
        if let Some(held) = leave.holds.first() {
            return Some((Gate::DataSafe, held.clone()));
        }
        // 6. Nothing moves.
        if self.context.busy.contains(&leave.address) {
            let seen = format!("{} is not done with what was asked of it", leave.node);
            return Some((Gate::AtRest, seen));
        }
        let views = self.situation.views().into_values();
        let views = views.filter(|(_, view)| !self.stuck.contains(&view.node));
        let mut busy = views.filter_map(|(_, view)| Some((&view.node, view.working.as_ref()?)));
        busy.next()
            .map(|(node, work)| (Gate::AtRest, format!("{node}: {work}")))
    }

    /// Gate 4: whether too few would stay. Whoever comes back is counted in, beside
    /// others whose successors wait as well: they are there until their turn comes. While
    /// one that is to stay is not up yet, it is not.
    /// Where nobody can tell, a single one is taken for one that comes back: so does
    /// an update. Beside others that go at the same time nobody is counted in.
    fn below_floor(
        &self,
        address: Place,
        going: Going,
        history: &History,
    ) -> Option<(Gate, String)> {
        let roster = self.situation.roster;
        let stay = self.staying(history);
        if stay == 0 {
            return Some((Gate::Floor, "nobody would stay".into()));
        }
        let leaving = self.situation.leaving_views();
        let others: Vec<_> = leaving
            .filter(|(other, _)| other.address != address)
            .collect();
        // One that an operator drains is free, and runs on.
        let goes = |other: &Member| goes_now(other, history) && !self.is_drained(other);
        let beside = others.iter().any(|(other, _)| goes(other));
        let others = others.into_iter().filter(|(other, _)| !goes(other));
        let (back, away): (Vec<_>, Vec<_>) =
            others.partition(|(other, _)| roster.successor(other).is_some());
        let alone = back.is_empty() && away.is_empty() && !beside && !self.outsider_goes;
        // A successor that answers already is among those that stay.
        let answers = |at: &Place| matches!(self.situation.answers.get(at), Some(Ok(_)));
        let waits = |member: &Member| {
            let next = roster.successor(member);
            next.is_none_or(|next| !answers(&next.address))
        };
        let comes_back = going == Going::Back || (going == Going::Unclear && alone);
        let comes_back =
            comes_back && roster.at(address).is_none_or(waits) && !self.awaits_one(history);
        let back = back.iter().filter(|(other, _)| waits(other)).count();
        let stay = stay + if comes_back { back } else { 0 };
        let Floor { members, because } = &self.floor;
        (stay + usize::from(comes_back && !beside) < *members).then(|| {
            let seen = format!("{stay} would stay, {because} asks for {members}");
            (Gate::Floor, seen)
        })
    }

    /// Those who are to stay and are not up.
    fn not_up(&self) -> impl Iterator<Item = &Member> {
        self.situation.wanted().filter(|member| {
            let answers = matches!(self.situation.answers.get(&member.address), Some(Ok(_)));
            !answers && self.situation.waits_behind(member).is_none()
        })
    }

    /// Whether somebody who is to stay is not up yet: one that comes back is needed until
    /// then. Who loads data is waited for, anybody else a while: it may never come up, and
    /// the others are to be mended.
    pub(crate) fn awaits_one(&self, history: &History) -> bool {
        let loads = |member: &Member| {
            let answer = self.situation.answers.get(&member.address);
            matches!(answer, Some(Err(Unanswered::Starting(_))))
        };
        let Context { now, limits, .. } = self.context;
        let since = history.awaited.unwrap_or(*now);
        let patient = now.since(since) < limits.unheard_patience;
        self.not_up().any(|member| patient || loads(member))
    }

    /// Gate 1, as far as operators keep it.
    pub(crate) fn held_by_order(&self, id: &MemberId, address: Place) -> Option<(Gate, String)> {
        let why = self.context.orders.hold_on(id, address)?;
        Some((Gate::Turn, format!("an operator holds it: {why}")))
    }

    /// Whether an operator wants it free of data: then it does not stop by itself, and
    /// is not waited for.
    fn is_drained(&self, member: &Member) -> bool {
        let drains = &self.context.orders.drains;
        !member.is_stopping() && drains.contains_key(&member.id.to_string())
    }

    /// Whether nothing but such an order sends it away.
    fn is_only_drained(&self, member: &Member) -> bool {
        let goes = member.seen.values().any(Presence::is_going);
        member.ordered && !goes && self.is_drained(member)
    }

    /// How long the rest of a leaver's work will take, at the pace so far.
    fn estimate(
        &self,
        address: Place,
        progress: Option<&Progress>,
        history: &mut History,
    ) -> Option<Duration> {
        let now = self.context.now;
        let left = progress?.left;
        let began = history.began.entry(address).or_insert((now, left));
        if left > began.1 {
            // More has come to it: counted anew.
            *began = (now, left);
        }
        let (since, at_first) = *began;
        let done = at_first.saturating_sub(left);
        let took = now.since(since).as_secs_f64();
        // Nodes count as they like: what no time can hold is no estimate.
        let rest = (done > 0).then(|| took * left as f64 / done as f64)?;
        Duration::try_from_secs_f64(rest).ok()
    }

    /// A member that stays and that the leaver does not see in its cluster.
    fn apart_from<R>(&self, leave: &Leave<R>) -> Option<&str> {
        if leave.judged {
            return None;
        }
        let Some(Ok(view)) = self.situation.answers.get(&leave.address) else {
            return None;
        };
        let sees: BTreeSet<&str> = view.alive().map(|peer| peer.node.as_str()).collect();
        let mut staying = self.situation.wanted_views();
        let apart = staying.find(|(_, other)| !sees.contains(other.node.as_str()));
        apart.map(|(_, other)| other.node.as_str())
    }

    /// Whoever was let go for long, hears us and does not go, waits for another
    /// worker's word, and that one for the one that it let go itself. All but
    /// the first in the order, and those that may go beside it, then give way, so that
    /// all workers come to agree.
    fn yield_turns(&self, first: &BTreeSet<Place>, history: &mut History) {
        let now = self.context.now;
        let patience = self.context.limits.release_patience;
        let History {
            granted,
            released,
            yielded,
            ready,
            ..
        } = history;
        // It waits no longer than there is somebody to give way to.
        yielded.retain(|at, since| !first.contains(at) && now.since(*since) < patience);
        for (address, (since, _)) in &*granted {
            let member = self.situation.roster.at(*address);
            let waits = member.is_some_and(Member::is_patient);
            if waits && !first.contains(address) && now.since(*since) >= patience {
                released.remove(address);
                ready.remove(address);
                yielded.insert(*address, now);
            }
        }
    }

    /// Forgets who was let go and is gone: it does not answer, nobody sees it
    /// alive, and it does not say that it stops; or another task is at its address.
    fn note_gone(&self, alive: &BTreeSet<Place>, history: &mut History) {
        let patience = self.context.limits.release_patience;
        let History {
            released, granted, ..
        } = history;
        released.retain(|address, told| {
            let answers = matches!(self.situation.answers.get(address), Some(Ok(_)));
            let member = self.situation.roster.at(*address);
            let going = member.is_some_and(Member::is_going);
            let there = alive.contains(address) || answers;
            let was = granted.get(address).and_then(|(_, task)| task.as_ref());
            let is = member.and_then(|member| member.task.as_ref());
            let same = was.zip(is).is_none_or(|(was, is)| was == is);
            // One that was let go and does not go has changed its mind, or was
            // never told.
            same && there && (going || self.context.now.since(*told) < patience)
        });
        granted.retain(|address, _| released.contains_key(address));
    }

    /// Whether nobody has vanished of whom it is not known that they were meant
    /// to go, and nobody was never heard of: behind a partition they may all be well.
    fn nobody_vanished(&self, history: &History) -> bool {
        if self.situation.roster.census().present() == Some(0) {
            return true;
        }
        if self.never_heard(history).is_some() {
            return false;
        }
        let Context { now, limits, .. } = self.context;
        let left = |at: &Place| history.stance(*at).is_some_and(Stance::has_left);
        let member = |at: &Place| self.situation.roster.at(*at);
        let waits = |at: &Place| member(at).is_some_and(|m| self.waits_for_its_slot(m));
        // As long as nobody has the place of one that had answered, it may run beyond a cut.
        let missed = |at: &Place| {
            let id = history.homes.get(at).map(|(_, id)| id);
            id.is_some_and(|id| {
                let mut members = self.situation.roster.members().iter();
                matches!(id, MemberId::Slot { .. }) && members.all(|member| member.id != *id)
            })
        };
        let patience = |at: &Place| match missed(at) {
            true => limits.mass_vanish_hold,
            false => limits.release_patience,
        };
        let mut stances = history.stances.iter();
        self.departed.iter().all(left)
            && stances.all(|(at, (stance, seen))| {
                stance.has_left()
                    || now.since(*seen) >= patience(at)
                    || !stance.has_answered() && waits(at)
            })
    }

    fn never_heard(&self, history: &History) -> Option<MemberId> {
        numbers::never_heard(self.context, self.situation.roster, &history.heard_numbers)
    }

    /// Whether all members go, by every witness that speaks and by the
    /// database's own word.
    fn everybody_goes(&self, alive: &BTreeSet<Place>, history: &History) -> bool {
        let mut members = self.situation.roster.members().iter().peekable();
        members.peek().is_some()
            && members.all(|member| {
                // A successor that waits for its predecessor to stop stays with
                // nobody; a spare stays.
                match member.standing() {
                    Standing::Wanted => self.waits_for_its_slot(member),
                    // Whoever is only to be free of data stays.
                    standing => standing != Standing::Spare && !self.is_only_drained(member),
                }
            })
            && alive.iter().all(|address| {
                let member = self.situation.roster.at(*address);
                member.is_some_and(Member::is_going)
            })
            && self.nobody_vanished(history)
    }

    /// Whether this is the successor of a member that is on its way out, and
    /// does not answer yet. One of several that the task list wants stays,
    /// whether or not we can reach it; an only one has nobody to stay with, where
    /// only those go that have its slot.
    fn waits_for_its_slot(&self, member: &Member) -> bool {
        let answers = matches!(self.situation.answers.get(&member.address), Some(Ok(_)));
        let listed = member.listed() == Some(&Presence::Present);
        let leaving = self.situation.leaving();
        let leaving: Vec<_> = leaving.filter(|m| self.situation.is_there(m)).collect();
        let before = |other: &&Member| other.id == member.id;
        let alone = self.situation.desired() == Some(1) && leaving.iter().all(before);
        !answers
            && (alone || !listed)
            && matches!(member.id, MemberId::Slot { .. })
            && leaving.iter().any(before)
    }
}

/// Whoever came or went between two looks, and what that sets in motion, was not seen:
/// the hold begins anew, but for those whom it does not touch that one went who was let go.
fn begin_anew(alive: &BTreeSet<Place>, history: &mut History) {
    if alive.difference(&history.alive).next().is_some() {
        history.ready.clear();
    }
    let went: Vec<Place> = history.alive.difference(alive).copied().collect();
    let mut ready = std::mem::take(&mut history.ready);
    ready.retain(|leaver, _| {
        let mut went = went.iter();
        went.all(|at| history.parts(*at) && !history.meet(at, leaver))
    });
    history.ready = ready;
}

/// Those that may go together, the first in the order among them.
fn first_together<R>(leaves: &[Leave<R>]) -> BTreeSet<Place> {
    let mut together: Vec<&Leave<R>> = Vec::new();
    for leave in leaves {
        let mut before = together.iter();
        if !before.any(|other| other.touches.meets(&leave.touches)) {
            together.push(leave);
        }
    }
    together.iter().map(|leave| leave.address).collect()
}

/// Whether a member that is meant to go does so now: it was let go, or does not wait.
fn goes_now(member: &Member, history: &History) -> bool {
    history.released.contains_key(&member.address) || !member.is_patient()
}

/// Why a dry run lets nobody go.
pub(crate) fn only_plans() -> (Gate, String) {
    let seen = "this worker only plans: it is a dry run".to_owned();
    (Gate::Turn, seen)
}
