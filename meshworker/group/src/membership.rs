//! Who is to vote: at most one change at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use meshworker_core::Moment;

use crate::{Standing, StoreId};

/// More voters make nothing safer and everything slower.
const MOST_VOTERS: usize = 5;

/// So many stores get the log: five that vote, and those that replace them.
const MOST_STORES: usize = 16;

/// Whoever kept up for so long may vote.
const IN_STEP: Duration = Duration::from_millis(500);

/// Those that leave together say so within this time: Swarm asks all of them at once.
const TOGETHER: Duration = Duration::from_secs(1);

/// A voter whose slot has another store now is gone for good after so long.
const REPLACED: Duration = Duration::from_secs(20);

/// One that nobody replaced is gone for good after so long, if no witness lists it.
const GONE: Duration = Duration::from_secs(600);

/// For so long an even number of voters stays: whoever restarts is back within it.
const SETTLED: Duration = Duration::from_secs(10);

/// After a change whoever is unheard for long goes no sooner than this.
const APART: Duration = Duration::from_secs(5);

/// What the leader knows of its group.
#[derive(Debug, Clone, Copy)]
pub struct Picture<'a> {
    /// The leader.
    pub me: StoreId,
    /// Who votes.
    pub voters: &'a BTreeSet<StoreId>,
    /// Who learns.
    pub learners: &'a BTreeSet<StoreId>,
    /// How each of them stands, and whoever wants to come in.
    pub stores: &'a BTreeMap<StoreId, Standing>,
    /// Whether a change is under way.
    pub changing: bool,
    /// When it became leader, or the last change was made.
    pub changed: Moment,
    /// Whom an operator wants out of the group.
    pub removed: &'a BTreeSet<StoreId>,
    /// Who is to lead if it can.
    pub preferred: Option<StoreId>,
    /// Now.
    pub now: Moment,
}

/// What is to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shift {
    /// These are to vote and those to learn, from one moment to the next.
    Members {
        /// Who votes.
        voters: BTreeSet<StoreId>,
        /// Who learns.
        learners: BTreeSet<StoreId>,
    },
    /// Another one is to lead.
    HandOver(StoreId),
}

/// What is changed now, and why not more.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decision {
    /// At most one change.
    pub change: Option<Shift>,
    /// Whom another change would concern, and what it waits for.
    pub waits: Vec<(StoreId, String)>,
}

/// Decides what is changed now. Whoever leaves comes first, then whoever replaces somebody,
/// then whoever is new, then whoever is dead.
pub fn decide(picture: &Picture<'_>) -> Decision {
    let mut decision = Decision::default();
    if picture.changing {
        return decision;
    }
    let rules = [
        abdicate,
        leave,
        replace,
        remove_ordered,
        grow,
        settle,
        bury,
        welcome,
        prefer,
    ];
    for rule in rules {
        if let Some(change) = rule(picture, &mut decision.waits) {
            decision.change = Some(change);
            return decision;
        }
    }
    decision
}

type Waits = Vec<(StoreId, String)>;

/// So many are to vote where so many are there: an odd number.
fn wanted(there: usize) -> usize {
    (there.min(MOST_VOTERS).saturating_sub(1) | 1).max(1)
}

impl Picture<'_> {
    fn standing(&self, store: &StoreId) -> Standing {
        self.stores.get(store).cloned().unwrap_or_else(|| Standing {
            unheard: Duration::MAX,
            ..Standing::default()
        })
    }

    fn is_live(&self, store: &StoreId) -> bool {
        *store == self.me || self.standing(store).is_live()
    }

    fn stays(&self, store: &StoreId) -> bool {
        self.standing(store).leaving.is_none()
    }

    fn is_in_step(&self, store: &StoreId) -> bool {
        let since = self.standing(store).in_step;
        *store == self.me || since.is_some_and(|since| self.now.since(since) >= IN_STEP)
    }

    fn is_ready(&self, store: &StoreId) -> bool {
        self.is_live(store) && self.stays(store) && self.is_in_step(store)
    }

    /// V3: after it a strict majority of those that vote is there and in step.
    fn can_go_on(&self, voters: &BTreeSet<StoreId>) -> bool {
        let ready = |store: &&StoreId| self.is_live(store) && self.is_in_step(store);
        let ready = voters.iter().filter(ready).count();
        voters.contains(&self.me) && 2 * ready > voters.len()
    }

    fn to(&self, voters: BTreeSet<StoreId>, learners: BTreeSet<StoreId>) -> Option<Shift> {
        let same = voters == *self.voters && learners == *self.learners;
        (!same && self.can_go_on(&voters)).then_some(Shift::Members { voters, learners })
    }

    /// Learners that may vote: those on nodes without a voter first, then the lowest slots.
    fn ready_learners(&self, voters: &BTreeSet<StoreId>) -> Vec<StoreId> {
        let node = |store: &StoreId| self.standing(store).seat.node;
        let taken: BTreeSet<_> = voters.iter().filter_map(node).collect();
        let mut ready: Vec<StoreId> = self.learners.iter().copied().collect();
        ready.retain(|store| self.is_ready(store));
        ready.sort_by_key(|store| {
            let shares = node(store).is_some_and(|node| taken.contains(&node));
            (shares, self.standing(store).seat.slot, *store)
        });
        ready
    }
}

/// Whoever lost its vote while it was elected hands over to one that has one.
fn abdicate(picture: &Picture<'_>, _: &mut Waits) -> Option<Shift> {
    let Picture { me, voters, .. } = picture;
    let next = voters.iter().find(|store| picture.is_ready(store))?;
    (!voters.contains(me)).then_some(Shift::HandOver(*next))
}

/// Whoever is about to end votes no more, as long as somebody stays: so a service that is
/// scaled down goes on, and one that is updated always has whoever is there.
fn leave(picture: &Picture<'_>, waits: &mut Waits) -> Option<Shift> {
    let Picture {
        voters, learners, ..
    } = picture;
    let leaving = |store: &&StoreId| !picture.stays(store);
    let leavers: Vec<StoreId> = voters.iter().filter(leaving).copied().collect();
    let first = leavers
        .iter()
        .filter_map(|store| picture.standing(store).leaving)
        .min();
    if let Some(first) = first {
        let staying: BTreeSet<StoreId> = voters
            .iter()
            .copied()
            .filter(|s| picture.stays(s))
            .collect();
        let ready = picture.ready_learners(&staying);
        if staying.is_empty() && ready.is_empty() {
            // The stack is being stopped: any majority of the stores brings it back.
            return None;
        }
        // Whoever leads hands over at once: nobody is to wait for a leader that goes.
        let next = staying.iter().find(|store| picture.is_ready(store));
        if let Some(next) = next.filter(|_| leavers.contains(&picture.me)) {
            return Some(Shift::HandOver(*next));
        }
        if picture.now.since(first) < TOGETHER {
            for store in leavers {
                waits.push((store, "others may leave at the same time".into()));
            }
            return None;
        }
        if leavers.contains(&picture.me) {
            // Nobody who stays has a vote: whoever is in step gets one.
            let next = *ready.first()?;
            let mut voters = (*voters).clone();
            voters.insert(next);
            let learners = learners.iter().copied().filter(|s| *s != next).collect();
            return picture.to(voters, learners);
        }
        let mut next: BTreeSet<StoreId> = staying;
        for store in ready {
            if next.len() >= wanted(next.len() + 1) {
                break;
            }
            next.insert(store);
        }
        // Who is neither there nor leaving goes too, as far as the rest needs it.
        let silent: Vec<StoreId> = next
            .iter()
            .copied()
            .filter(|s| !picture.is_live(s))
            .collect();
        for store in silent {
            if picture.can_go_on(&next) {
                break;
            }
            next.remove(&store);
        }
        let gone = voters.difference(&next).copied();
        let kept = gone.filter(|store| picture.standing(store).kept);
        let learners = learners.iter().copied().chain(kept);
        let learners = learners.filter(|store| !next.contains(store)).collect();
        return picture.to(next, learners);
    }
    let forgets_all = |store: &&StoreId| !picture.stays(store) && !picture.standing(store).kept;
    let gone = learners.iter().find(forgets_all)?;
    let learners = learners
        .iter()
        .copied()
        .filter(|store| store != gone)
        .collect();
    picture.to((*voters).clone(), learners)
}

/// A store whose slot has a newer one, which is in step, gives that one its vote.
fn replace(picture: &Picture<'_>, waits: &mut Waits) -> Option<Shift> {
    let Picture {
        voters, learners, ..
    } = picture;
    for old in voters.iter().chain(*learners) {
        let slot = picture.standing(old).seat.slot;
        let newer = |store: &&StoreId| {
            *store != old && picture.standing(store).seat.slot == slot && picture.is_live(store)
        };
        if picture.is_live(old) {
            continue;
        }
        let Some(new) = learners.iter().chain(*voters).find(newer) else {
            continue;
        };
        if picture.standing(old).unheard < REPLACED {
            waits.push((
                *old,
                "somebody else has its slot; it is silent since a moment only".into(),
            ));
            continue;
        }
        let mut next = (*voters).clone();
        let mut rest: BTreeSet<StoreId> = (*learners).clone();
        rest.remove(old);
        if next.remove(old) {
            if !picture.is_ready(new) {
                waits.push((
                    *old,
                    "somebody else has its slot, and is not in step yet".into(),
                ));
                continue;
            }
            next.insert(*new);
            rest.remove(new);
        }
        if let Some(change) = picture.to(next, rest) {
            return Some(change);
        }
    }
    None
}

/// An operator's word opens what time and witnesses would; never what the rest needs.
fn remove_ordered(picture: &Picture<'_>, waits: &mut Waits) -> Option<Shift> {
    let Picture {
        voters,
        learners,
        removed,
        ..
    } = picture;
    for store in removed.iter().filter(|store| **store != picture.me) {
        let without = |of: &BTreeSet<StoreId>| of.iter().copied().filter(|s| s != store).collect();
        let (next, rest) = (without(voters), without(learners));
        if next == **voters && rest == **learners {
            continue;
        }
        match picture.to(next, rest) {
            None => waits.push((*store, "without it no majority is there and in step".into())),
            change => return change,
        }
    }
    None
}

/// Learners that kept up get a vote, up to the largest odd number.
fn grow(picture: &Picture<'_>, _: &mut Waits) -> Option<Shift> {
    let Picture {
        voters, learners, ..
    } = picture;
    let ready = picture.ready_learners(voters);
    let live = voters
        .iter()
        .filter(|store| picture.is_live(store) && picture.stays(store))
        .count();
    // Dead voters count until they are buried: nobody comes in for them unseen.
    let most = wanted(live + ready.len()).max(voters.len());
    let mut next = (*voters).clone();
    // One vote more than an odd number makes nothing safer.
    next.extend(ready.iter().take(most.saturating_sub(voters.len())));
    if next.len().is_multiple_of(2) && next.len() > voters.len() {
        let last = ready.iter().rev().find(|store| next.contains(store))?;
        next.remove(last);
    }
    let rest = learners
        .iter()
        .copied()
        .filter(|store| !next.contains(store))
        .collect();
    picture.to(next, rest)
}

/// An even number of votes becomes odd, once nobody comes back for a while.
fn settle(picture: &Picture<'_>, waits: &mut Waits) -> Option<Shift> {
    let Picture {
        voters, learners, ..
    } = picture;
    let all_there = voters.iter().all(|store| picture.is_live(store));
    if !voters.len().is_multiple_of(2) || !all_there {
        return None;
    }
    let others = voters.iter().copied().filter(|store| *store != picture.me);
    let last = others.max_by_key(|store| (picture.standing(store).seat.slot, *store))?;
    if picture.now.since(picture.changed) < SETTLED {
        waits.push((
            last,
            "an even number of voters stays a moment: somebody may be restarting".into(),
        ));
        return None;
    }
    let next = voters
        .iter()
        .copied()
        .filter(|store| *store != last)
        .collect();
    let rest = learners.iter().copied().chain([last]).collect();
    picture.to(next, rest)
}

/// Whoever nobody has heard for long, and no witness lists, is gone.
fn bury(picture: &Picture<'_>, waits: &mut Waits) -> Option<Shift> {
    let Picture {
        voters, learners, ..
    } = picture;
    for store in learners
        .iter()
        .chain(*voters)
        .filter(|store| !picture.is_live(store))
    {
        let standing = picture.standing(store);
        let learns = learners.contains(store);
        let patience = if learns && !standing.kept {
            REPLACED
        } else {
            GONE
        };
        let why = if standing.unheard < patience {
            Some(format!("unheard, but not for {} s yet", patience.as_secs()))
        } else if !standing.gone {
            Some("unheard, but a witness lists it or cannot tell".into())
        } else if picture.now.since(picture.changed) < APART {
            Some("another change was made a moment ago".into())
        } else {
            None
        };
        if let Some(why) = why {
            waits.push((*store, why));
            continue;
        }
        let without = |of: &BTreeSet<StoreId>| of.iter().copied().filter(|s| s != store).collect();
        match picture.to(without(voters), without(learners)) {
            None => waits.push((*store, "without it no majority is there and in step".into())),
            change => return change,
        }
    }
    None
}

/// Whoever wants to come in gets the log first.
fn welcome(picture: &Picture<'_>, waits: &mut Waits) -> Option<Shift> {
    let Picture {
        voters, learners, ..
    } = picture;
    let known = |store: &StoreId| voters.contains(store) || learners.contains(store);
    let new = picture.stores.keys().filter(|store| !known(store));
    let mut new = new.filter(|store| picture.is_live(store) && picture.stays(store));
    let store = new.next()?;
    if voters.len() + learners.len() >= MOST_STORES {
        waits.push((*store, format!("the group has {MOST_STORES} stores")));
        return None;
    }
    let learners = learners.iter().copied().chain([*store]).collect();
    picture.to((*voters).clone(), learners)
}

/// Who is preferred leads, once it has kept up for as long as an even number stays.
fn prefer(picture: &Picture<'_>, _: &mut Waits) -> Option<Shift> {
    let to = picture.preferred.filter(|to| *to != picture.me)?;
    let since = picture.standing(&to).in_step?;
    let steady = picture.now.since(since.max(picture.changed)) >= SETTLED;
    let ready = picture.voters.contains(&to) && picture.is_ready(&to);
    (ready && steady).then_some(Shift::HandOver(to))
}

impl fmt::Display for Shift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shift::Members { voters, learners } => {
                write!(f, "{} vote, {} learn", voters.len(), learners.len())
            }
            Shift::HandOver(to) => write!(f, "{to} is to lead"),
        }
    }
}
