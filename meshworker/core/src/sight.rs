//! What is noted of members while they are in sight, for when they are not.

use crate::stance::Stance;
use crate::{Context, History, Member, Situation, Standing};

/// Notes what each member in sight is about, for when it is out of sight.
pub(crate) fn note<D>(context: &Context<'_>, situation: &Situation<'_, D>, history: &mut History) {
    let Context { now, limits, .. } = context;
    for member in situation.roster.members() {
        if let Some(stance) = stance(member, situation, history) {
            history.stances.insert(member.address, (stance, *now));
        }
    }
    let History { stances, homes, .. } = history;
    stances.retain(|_, (_, at)| now.since(*at) < limits.quarantine);
    for member in situation.roster.members() {
        if let Some(Ok(view)) = situation.answers.get(&member.address) {
            let home = (view.node.clone(), member.id.clone());
            homes.insert(member.address, home);
        }
    }
    homes.retain(|at, _| stances.contains_key(at));
}

fn stance<D>(member: &Member, situation: &Situation<'_, D>, history: &History) -> Option<Stance> {
    let answers = matches!(situation.answers.get(&member.address), Some(Ok(_)));
    let goes = member.is_stopping() || member.has_ended();
    let parts = goes || history.released.contains_key(&member.address);
    // What it said last is heard for a while after it has stopped, and a name
    // server lists it for a while.
    let last = history.stance(member.address);
    let parted = !answers && last == Some(Stance::Parted);
    match member.standing() {
        Standing::Wanted if answers => Some(Stance::Wanted),
        Standing::Wanted => match last {
            None => Some(Stance::Listed),
            Some(last) => (!last.has_left()).then_some(last),
        },
        Standing::Leaving if parts || parted => Some(Stance::Parted),
        // Nobody has asked it to go: it has vanished, or may have.
        Standing::Leaving if member.is_out_of_sight() && !member.is_patient() => None,
        Standing::Leaving => Some(Stance::Leaving),
        _ => None,
    }
}
