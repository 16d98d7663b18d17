//! Members that are meant to go and give no view: no engine can say what they
//! hold, and they wait for a word all the same.

use std::collections::BTreeSet;

use crate::queue::{Leaving, only_plans};
use crate::{
    Gate, Going, History, Leaver, Member, Objection, Place, Presence, Release, Situation,
    Unanswered,
};

impl<D> Leaving<'_, D> {
    /// Adds a verdict for each member that is meant to go, waits or is there, and
    /// gives no view.
    pub(crate) fn unheard(
        &self,
        everybody: bool,
        alive: &BTreeSet<Place>,
        history: &mut History,
        leavers: &mut Vec<Leaver>,
    ) {
        for member in self.situation.leaving() {
            let answer = self.situation.answers.get(&member.address);
            let why = match answer {
                Some(Ok(_)) => continue,
                Some(Err(why)) => Some(why),
                None => None,
            };
            if !is_waiting(member, why) {
                continue;
            }
            let going = match everybody {
                true => Going::Everybody,
                false => self.situation.going(member),
            };
            let release = self.unheard_release(member, why, going, alive, history);
            let place = history.places.get(&member.address);
            leavers.push(Leaver {
                member: member.id.clone(),
                address: member.address,
                node: place.map(|place| place.node.clone()).unwrap_or_default(),
                going,
                place: leavers.len() + 1,
                progress: None,
                estimate: None,
                patient: member.is_patient(),
                release,
            });
        }
    }

    /// Adds a verdict for whoever stays until all others have gone.
    pub(crate) fn last_ones(&self, leavers: &mut Vec<Leaver>) {
        let members = self.situation.wanted_views();
        for (member, view) in members.filter(|(member, _)| member.last) {
            leavers.push(Leaver {
                member: member.id.clone(),
                address: member.address,
                node: view.node.clone(),
                going: Going::Back,
                place: leavers.len() + 1,
                progress: None,
                estimate: None,
                patient: true,
                release: Release::Held {
                    gate: Gate::Turn,
                    seen: "the others hand over to it what they hold, and go first".into(),
                },
            });
        }
    }

    /// Lets everybody go who was never in: nobody counts on them, and what they hold
    /// is not this cluster's.
    pub(crate) fn release_strangers(
        &self,
        all: &Situation<'_, D>,
        strangers: &BTreeSet<Place>,
        history: &mut History,
        leavers: &mut Vec<Leaver>,
    ) {
        let leaving = all.leaving_views();
        for (member, view) in leaving.filter(|(member, _)| strangers.contains(&member.address)) {
            let held = match self.context.orders.dry_run {
                true => Some(only_plans()),
                false => self.held_by_order(&member.id, member.address),
            };
            let release = self.granted(held, || history.part(member.address, self.context.now));
            leavers.push(Leaver {
                member: member.id.clone(),
                address: member.address,
                node: view.node.clone(),
                going: self.situation.going(member),
                place: leavers.len() + 1,
                progress: None,
                estimate: None,
                patient: member.is_patient(),
                release,
            });
        }
    }

    fn unheard_release(
        &self,
        member: &Member,
        why: Option<&Unanswered>,
        going: Going,
        alive: &BTreeSet<Place>,
        history: &mut History,
    ) -> Release {
        let address = member.address;
        let held = match self.held_by_order(&member.id, address) {
            _ if self.context.orders.dry_run => Some(only_plans()),
            _ if going == Going::Everybody => None,
            Some(held) => Some(held),
            None if self.never_up(member, why, alive, history) => {
                let Some(awaited) = self.awaited(member, going, alive) else {
                    // A process that has not come up holds nothing, and nobody
                    // waits for its going.
                    return self.granted(None, || history.part(address, self.context.now));
                };
                let seen = format!("{}; {awaited}: {}", said(why), remedy(why));
                Some((Gate::MembersAnswer, seen))
            }
            None => {
                let seen = format!("{}; {}", said(why), remedy(why));
                Some((Gate::MembersAnswer, seen))
            }
        };
        self.after_the_hold(address, held, history)
    }

    /// Whether its database has not been up since it was started: it says so
    /// itself, or nobody listens there and those who are there do not know it.
    fn never_up(
        &self,
        member: &Member,
        why: Option<&Unanswered>,
        alive: &BTreeSet<Place>,
        history: &History,
    ) -> bool {
        let at = &member.address;
        let known = || alive.contains(at) || self.departed.contains(at);
        let answered = history.places.contains_key(at);
        match why {
            Some(Unanswered::Starting(_)) => !answered,
            Some(Unanswered::Unreachable(_)) => {
                !answered && !known() && self.situation.wanted_views().next().is_some()
            }
            _ => false,
        }
    }

    /// What may be on the disk of a member that has not come up, and nowhere else
    /// once its slot is gone.
    fn awaited(&self, member: &Member, going: Going, alive: &BTreeSet<Place>) -> Option<String> {
        if going != Going::Back && alive.contains(&member.address) {
            return Some("the others know it".into());
        }
        let missed = self.missed.as_ref().filter(|_| going == Going::ForGood)?;
        Some(format!("nobody else has {missed}"))
    }
}

/// Whether somebody waits there for a word. A task list names a container for a
/// while after its end; then nobody answers, not even with a refusal.
fn is_waiting(member: &Member, why: Option<&Unanswered>) -> bool {
    let is_there = matches!(
        why,
        Some(Unanswered::Starting(_) | Unanswered::Denied(_) | Unanswered::Garbage(_))
    );
    let stopping = Some(&Presence::Stopping);
    member.is_patient() || is_there && !member.is_stopping() && member.listed() != stopping
}

fn said(why: Option<&Unanswered>) -> String {
    match why {
        Some(why) => format!("it gives no view: {why}"),
        None => "it has not been asked yet".into(),
    }
}

/// What ends it, for the operator who reads why a member is held.
fn remedy(why: Option<&Unanswered>) -> &'static str {
    match why {
        None | Some(Unanswered::Starting(_)) => "it is waited for until it has started",
        Some(Unanswered::Timeout) => {
            "a database that hangs is not mended by waiting: stop it, or its grace period does"
        }
        Some(Unanswered::Unreachable(_)) => {
            "a database that has ended is not mended by waiting: stop it, or its grace period does"
        }
        Some(Unanswered::Denied(_)) => {
            "waiting does not mend this: give worker and members the same credentials"
        }
        Some(Unanswered::Garbage(_)) => {
            "waiting does not mend this: whatever answers there is not the database"
        }
    }
}

/// What a departed node holds alone, as the engine objects.
pub(crate) fn missed<R>(departures: &[crate::Departure<R>]) -> Option<String> {
    let objections = departures.iter().flat_map(|d| &d.objections);
    objections
        .into_iter()
        .find_map(|objection| match objection {
            Objection::HoldsData(what) => Some(what.clone()),
            Objection::AliveTo { .. } => None,
        })
}
