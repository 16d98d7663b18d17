//! Whether everybody who should be there is one cluster, and who is why they are not.

use std::collections::BTreeSet;

use crate::{
    Departure, History, Member, MemberId, Observation, Place, Reason, Refusal, Situation, Unity,
};

/// The engine says whether the views are one cluster; this adds whether
/// everybody who should be there had a say, and names the member that is meant
/// where it is one.
pub(crate) fn whole<D>(
    least: usize,
    observed: &Observation<D>,
    situation: &Situation<'_, D>,
    gone: &BTreeSet<&MemberId>,
    refusals: &[Refusal],
    unity: Unity,
) -> Unity {
    if !observed.reports.iter().any(|r| r.grade.is_complete()) {
        let said = observed.reports.iter();
        let said: Vec<String> = said
            .map(|r| format!("{}: {}", r.witness, r.grade))
            .collect();
        return Unity::apart(said.join(", "));
    }
    let (have, desired) = (situation.wanted().count(), situation.desired());
    let need = least.max(desired.unwrap_or(1));
    if have < need {
        let few = Reason::TooFew { have, need };
        return Unity::apart(match gone.first() {
            Some(member) if gone.len() == 1 => format!("{few}: {member} is gone"),
            _ => few.to_string(),
        });
    }
    let silent = situation
        .wanted()
        .filter(|member| situation.waits_behind(member).is_none())
        .find_map(|member| match situation.answers.get(&member.address) {
            Some(Ok(_)) => None,
            Some(Err(why)) => Some(format!("{}: {why}", member.address)),
            None => Some(format!("{} was not asked", member.address)),
        });
    match silent.or_else(|| kept_out(situation, refusals).filter(|_| !unity.is_one())) {
        Some(missing) => Unity::Apart { missing },
        None => unity,
    }
}

/// The members whose nodes the database holds to be gone, and whose places nobody has.
pub(crate) fn gone<'a, D, R>(
    departures: &[Departure<R>],
    situation: &Situation<'_, D>,
    history: &'a History,
) -> BTreeSet<&'a MemberId> {
    let there = |id: &MemberId| situation.wanted().any(|member| member.id == *id);
    let at = departures.iter().filter_map(|departure| departure.address);
    let residents = at.filter_map(|at| history.places.get(&at));
    let gone = residents.map(|resident| &resident.member);
    gone.filter(|id| !there(id)).collect()
}

/// The one wanted member that answers and is not taken in, and why.
fn kept_out<D>(situation: &Situation<'_, D>, refusals: &[Refusal]) -> Option<String> {
    let why = |at: Place| {
        let join = format!("join {at}");
        let mut about = refusals.iter().filter(|refusal| refusal.what == join);
        about.find_map(|refusal| refusal.reason.keeps_out().then_some(&refusal.reason))
    };
    let told = |member: &Member| Some((member.address, why(member.address)?));
    let mut out = situation.wanted().filter_map(told);
    let (at, why) = out.next()?;
    out.next().is_none().then(|| format!("{at}: {why}"))
}
