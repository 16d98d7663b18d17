//! Which arrangements are made, and what is taken from members that are meant to go:
//! their gates, one after another.
//!
//! A member under a supervisor waits until it may stop, and what it holds is taken in
//! its turn, and only if it is not to stay (`queue`). The task list names it seconds
//! before its supervisor does, and a worker that has just started, or could not reach it
//! for a while, has not heard of its supervisor yet: the same holds then.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::queue::Leaving;
use crate::{
    Change, Context, Gate, Going, History, Leave, Member, Observation, Place, Reason, Refusal,
    Request, Situation, Step, StepKind, Touches, Witness,
};

/// Notes since when each address has answered without a break.
pub(crate) fn note_answers<D>(
    context: &Context<'_>,
    observed: &Observation<D>,
    history: &mut History,
) {
    let answers = |at: &Place| matches!(observed.answers.get(at), Some(Ok(_)));
    history.answering.retain(|at, _| answers(at));
    for at in observed.answers.keys().filter(|at| answers(at)) {
        history.answering.entry(*at).or_insert(context.now);
    }
}

/// Why an arrangement is not made.
pub(crate) fn refuse_arrangement<D, R: Request>(
    step: &Step<R>,
    situation: &Situation<'_, D>,
    strangers: &BTreeSet<Place>,
) -> Option<Refusal> {
    (step.request.kind() == StepKind::Arrange)
        .then(|| untouchable(step, situation, strangers))
        .flatten()
}

/// Gate 1 as well: a worker that has just started has not heard of whoever waits to leave
/// with what is to be dealt out, unless the task list names all.
pub(crate) fn refuse_dealing<D, R: Request>(
    context: &Context<'_>,
    step: &Step<R>,
    situation: &Situation<'_, D>,
    history: &History,
) -> Option<Refusal> {
    let Context { now, limits, .. } = context;
    let census = situation.roster.census();
    let listed = census.lists_tasks();
    let listened = now.since(history.began_at.unwrap_or(*now));
    let waits = census.speaks(Witness::Announce) && !listed && listened < limits.first_words;
    (step.request.deals_out() && waits).then(|| {
        let seen = listens(listened, limits.first_words);
        Refusal {
            what: step.to_string(),
            reason: Reason::Closed(Change::Arrange.closed(Gate::Answers, seen)),
            evidence: step.evidence.clone(),
        }
    })
}

/// Gate 1: somebody that the step touches did not answer, or is nobody of ours.
fn untouchable<D, R: Request>(
    step: &Step<R>,
    situation: &Situation<'_, D>,
    strangers: &BTreeSet<Place>,
) -> Option<Refusal> {
    let touched = [Some(step.to), step.request.introduces()];
    touched.into_iter().flatten().find_map(|address| {
        let seen = match situation.answers.get(&address) {
            Some(Ok(_)) if strangers.contains(&address) => "is none of this cluster's".into(),
            Some(Ok(_)) => return None,
            Some(Err(why)) => format!("gives no view: {why}"),
            None => "was not asked".into(),
        };
        Some(refusal(
            step,
            situation,
            address,
            Gate::Answers,
            format!("{address} {seen}"),
        ))
    })
}

fn refusal<D, R: Request>(
    step: &Step<R>,
    situation: &Situation<'_, D>,
    about: Place,
    gate: Gate,
    seen: String,
) -> Refusal {
    Refusal {
        what: step.to_string(),
        reason: Reason::Closed(Change::Arrange.closed(gate, seen)),
        evidence: situation.roster.sightings(about),
    }
}

impl<D> Leaving<'_, D> {
    /// Holds back what would be taken from members that are meant to go and may not be
    /// touched yet, and says why.
    pub(crate) fn hold_back<R: Request>(
        &self,
        leaves: &mut [Leave<R>],
        strangers: &BTreeSet<Place>,
        history: &History,
    ) -> Vec<Refusal> {
        let mut refusals = Vec::new();
        let mut turns: Vec<(&Member, Touches)> = Vec::new();
        for leave in leaves {
            leave.steps.retain(|step| {
                let refused = untouchable(step, self.situation, strangers);
                let fit = refused.is_none();
                refusals.extend(refused);
                fit
            });
            let Some(member) = self.situation.roster.at(leave.address) else {
                continue;
            };
            let untold = member.is_untold() || self.is_unheard(member, history);
            let mut before = turns.iter();
            let before = before.find(|(_, touches)| touches.meets(&leave.touches));
            let before = before.map(|(member, _)| *member);
            if untold && let Some((gate, seen)) = self.closed_to_the_untold(member, before, history)
            {
                let steps = leave.steps.drain(..);
                refusals.extend(
                    steps.map(|step| {
                        refusal(&step, self.situation, leave.address, gate, seen.clone())
                    }),
                );
            }
            if untold || member.is_patient() {
                turns.push((member, leave.touches.clone()));
            }
        }
        refusals
    }

    /// How many answer and are to stay. One that the task list has lost sight of may have
    /// been told to go: it counts once it could have said so.
    pub(crate) fn staying(&self, history: &History) -> usize {
        let staying = self.situation.wanted_views();
        staying
            .filter(|(m, _)| !(m.is_out_of_sight() && self.is_unheard(m, history)))
            .count()
    }

    /// Whether its supervisor, if it has one, may not have been heard yet.
    fn is_unheard(&self, member: &Member, history: &History) -> bool {
        let Context { now, limits, .. } = self.context;
        let since = history.answering.get(&member.address);
        self.situation.roster.census().speaks(Witness::Announce)
            && !member.seen.contains_key(&Witness::Announce)
            && since.is_none_or(|since| now.since(*since) < limits.first_hearing)
    }

    /// Gates 2 and 3, for a member that the task list wants gone and that has not been
    /// told so yet. Whoever comes back is counted in.
    fn closed_to_the_untold(
        &self,
        member: &Member,
        before: Option<&Member>,
        history: &History,
    ) -> Option<(Gate, String)> {
        let stay = self.staying(history);
        let comes_back = self.situation.going(member) == Going::Back && !self.awaits_one(history);
        let back = usize::from(comes_back);
        let (members, because) = (self.floor.members, &self.floor.because);
        if stay + back < members {
            let seen = format!("{stay} would stay, {because} asks for {members}");
            return Some((Gate::Floor, seen));
        }
        before.map(|other| (Gate::Turn, format!("{} is before it", other.id)))
    }
}

/// What a worker says that has just begun to listen.
pub(crate) fn listens(listened: Duration, first_words: Duration) -> String {
    format!(
        "this worker has listened for {:.1} s, and hears of everybody within {:.0}",
        listened.as_secs_f64(),
        first_words.as_secs_f64()
    )
}
