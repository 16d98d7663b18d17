//! Which members that wait are told what, and when: their gates, one after another.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Serialize;

use crate::arrange::listens;
use crate::{
    Authority, Change, Closed, Context, Gate, History, Member, MemberId, Place, Presence, Reason,
    Refusal, Situation, Tell, Touches, Unanswered, Witness,
};

/// One that was told to start and does not answer holds the others up for so long. A
/// database that loads its data answers that it starts.
const COMES_UP: Duration = Duration::from_secs(60);

/// A member that waits and is to be told something, as its engine proposes it in each pass
/// until it has done so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Nomination {
    /// Where it waits.
    pub address: Place,
    /// What it is told.
    pub tell: Tell,
    /// What its coming touches: those that touch the same come one after another.
    pub touches: Touches,
}

/// A member that waits and is to be told something, and whether it may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Nominee {
    /// Who.
    pub member: MemberId,
    /// Where it waits.
    pub address: Place,
    /// What it is told.
    pub tell: Tell,
    /// The first gate that is closed; none when it may.
    pub closed: Option<Closed>,
}

/// Which of these may be told, in the order in which they are proposed.
pub(crate) fn nominees<D>(
    context: &Context<'_>,
    situation: &Situation<'_, D>,
    nominations: Vec<Nomination>,
    history: &mut History,
) -> (Vec<Nominee>, Vec<Refusal>) {
    let now = context.now;
    let in_vain = &mut history.nominated_in_vain;
    history.nominated.retain(|at, (_, since)| {
        let answer = situation.answers.get(at);
        let loads = matches!(answer, Some(Err(Unanswered::Starting(_))));
        if situation.roster.at(*at).is_none() || matches!(answer, Some(Ok(_))) {
            return false;
        }
        let in_time = loads || now.since(*since) < COMES_UP;
        if !in_time {
            in_vain.insert(*at);
        }
        in_time
    });
    // Whoever did not come up is tried again after the others.
    let proposed: BTreeSet<Place> = nominations.iter().map(|one| one.address).collect();
    in_vain.retain(|at| proposed.contains(at));
    if in_vain.len() == proposed.len() {
        in_vain.clear();
    }
    let mut nominations = nominations;
    nominations.sort_by_key(|one| in_vain.contains(&one.address));
    let (mut nominees, mut refusals) = (Vec::new(), Vec::new());
    for Nomination {
        address,
        tell,
        touches,
    } in nominations
    {
        let member = situation.roster.at(address);
        let id = member.map_or(MemberId::Address(address), |member| member.id.clone());
        let closed = match member.filter(|member| fits(member, &tell)) {
            None => Some((Gate::Waits, unfit(address, &tell))),
            Some(member) => closed(context, situation, member, (address, &touches), history),
        };
        let closed = closed.map(|(gate, seen)| Change::Nominate.closed(gate, seen));
        match &closed {
            Some(closed) => refusals.push(Refusal {
                what: format!("tell {id} to {}", tell.what()),
                reason: Reason::Closed(closed.clone()),
                evidence: situation.roster.sightings(address),
            }),
            // Only one that starts keeps others waiting until it answers.
            None if !matches!(tell, Tell::Start(_)) => {}
            None => {
                let told = history.nominated.get(&address);
                let since = told.map_or(now, |(_, since)| *since);
                history.nominated.insert(address, (touches, since));
            }
        }
        nominees.push(Nominee {
            member: id,
            address,
            tell,
            closed,
        });
    }
    (nominees, refusals)
}

/// Whether a member says of itself what it takes to be told this.
fn fits(member: &Member, tell: &Tell) -> bool {
    let said = member.seen.get(&Witness::Announce);
    match tell {
        Tell::Kill { .. } => said == Some(&Presence::Present),
        _ => said == Some(&Presence::Spare) && member.disk.is_some(),
    }
}

fn unfit(address: Place, tell: &Tell) -> String {
    let what = match tell {
        Tell::Kill { .. } => "its database runs",
        _ => "it waits, and what is on its disk",
    };
    format!("{address} does not say that {what}")
}

/// The first gate that is closed to one, and what was seen there.
fn closed<D>(
    context: &Context<'_>,
    situation: &Situation<'_, D>,
    member: &Member,
    (address, touches): (Place, &Touches),
    history: &History,
) -> Option<(Gate, String)> {
    if let Some(why) = context.orders.hold_on(&member.id, address) {
        return Some((Gate::Turn, format!("on hold: {why}")));
    }
    // Whom another one told to start, or this one before it began anew, shows by then.
    let listened = context.now.since(history.began_at.unwrap_or(context.now));
    if listened < context.limits.first_words {
        let seen = listens(listened, context.limits.first_words);
        return Some((Gate::Turn, seen));
    }
    let mut others = history.nominated.iter();
    let before = others.find(|(other, (theirs, _))| **other != address && theirs.meets(touches));
    let Some((other, (_, since))) = before else {
        return match context.authority {
            Authority::Held(_) => None,
            Authority::Yielded(to) => Some((Gate::Authority, format!("another worker acts: {to}"))),
        };
    };
    let who = situation.roster.at(*other);
    let who = who.map_or_else(|| other.to_string(), |member| member.id.to_string());
    let since = context.now.since(*since).as_secs_f64();
    let seen = format!("{who} was told to start {since:.1} s ago, and does not answer yet");
    Some((Gate::Turn, seen))
}
