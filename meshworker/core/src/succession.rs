//! Which node takes the primary's place, and when: the gates, one after another.
//!
//! ```text
//! gates 1 to 7 open ──> seal      nobody can acknowledge a write of the old primary any more
//! all gates open    ──> promote   the one that has everything takes writes
//! ```

use std::collections::BTreeSet;

use serde::Serialize;

use crate::{
    Authority, Change, Context, Forced, Gate, Heard, History, Place, Reason, Refusal, Request,
    Situation, Step, Unanswered,
};

/// One node is to take the primary's place, as its engine sees it: proposed in each pass until
/// the views show that it has.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Succession<R> {
    /// What is to be done, in words: "promote db.2 in term 4". Another one counts anew.
    pub what: String,
    /// The primary that is no more; none where nobody ever was, or where it takes no writes
    /// by its own word.
    pub predecessor: Option<Place>,
    /// Whether it is wished for, while the primary is well: then it may follow another one at
    /// once.
    pub planned: bool,
    /// Whether an operator orders it, whatever is seen of the primary: his word stands for
    /// some of the gates, as [`crate::Forced`] has them.
    pub forced: bool,
    /// Who may have acknowledged a write of the predecessor: each of them must answer.
    pub electors: BTreeSet<Place>,
    /// What the engine sees that closes a gate.
    pub objections: Vec<(Gate, String)>,
    /// What sees to it that nobody acknowledges a write of the predecessor any more. It can be
    /// undone.
    pub seal: Vec<Step<R>>,
    /// What makes the one that has everything take writes.
    pub promote: Vec<Step<R>>,
}

impl<R: Request> Succession<R> {
    /// The steps that may be made now, and the first gate that is closed.
    pub(crate) fn judged<D>(
        self,
        context: &Context<'_>,
        situation: &Situation<'_, D>,
        history: &mut History,
    ) -> (Vec<Step<R>>, Option<(Gate, Refusal)>) {
        let mut gates = Change::Succeed.gates().iter();
        let closed = gates.find_map(|gate| {
            if self.forced && gate.yields_to_force() {
                return None;
            }
            let seen = self.seen(*gate, context, situation, history)?;
            Some((*gate, seen))
        });
        let Succession {
            what,
            mut seal,
            promote,
            planned,
            ..
        } = self;
        let Some((gate, seen)) = closed else {
            if !planned {
                history.promoted = promote.first().map(|step| step.to);
            }
            seal.extend(promote);
            return (seal, None);
        };
        if !gate.waits_for_the_seal() {
            seal.clear();
        }
        let refusal = Refusal::new(what, Reason::Closed(Change::Succeed.closed(gate, seen)));
        (seal, Some((gate, refusal)))
    }

    /// What closes this gate, if anything does.
    fn seen<D>(
        &self,
        gate: Gate,
        context: &Context<'_>,
        situation: &Situation<'_, D>,
        history: &History,
    ) -> Option<String> {
        let own = match gate {
            Gate::Unheld => self.held(context, situation),
            Gate::Silent => self.predecessor.and_then(|at| speaks(at, situation)),
            Gate::Answers => self.silent_elector(situation),
            Gate::BlastRadius => few(situation),
            Gate::Again if !self.planned => history.succeeded_lately(context),
            Gate::Authority => match context.authority {
                Authority::Held(_) => None,
                Authority::Yielded(to) => Some(format!("another worker acts: {to}")),
            },
            _ => None,
        };
        own.or_else(|| {
            let mut objections = self.objections.iter();
            let (_, seen) = objections.find(|(closed, _)| *closed == gate)?;
            Some(seen.clone())
        })
    }

    fn held<D>(&self, context: &Context<'_>, situation: &Situation<'_, D>) -> Option<String> {
        let asked = self.seal.iter().chain(&self.promote).map(|step| step.to);
        let mut concerned = asked.chain(self.predecessor);
        let all = context.orders.hold.clone();
        all.or_else(|| {
            concerned.find_map(|at| {
                let id = &situation.roster.at(at)?.id;
                context.orders.own_hold_on(id, at).map(str::to_owned)
            })
        })
    }

    fn silent_elector<D>(&self, situation: &Situation<'_, D>) -> Option<String> {
        self.electors.iter().find_map(|at| {
            let who = (situation.roster.at(*at))
                .map_or_else(|| at.to_string(), |member| member.id.to_string());
            match situation.answers.get(at) {
                Some(Ok(_)) => None,
                Some(Err(why)) => Some(format!("{who} may have acknowledged a write: {why}")),
                None => Some(format!(
                    "{who} may have acknowledged a write, and is not asked"
                )),
            }
        })
    }
}

/// Whether somebody is primary by now in a higher term than the one that was meant, by the word
/// of who answers; where no terms are counted, another one than was meant.
pub(crate) fn has_failed_over<D>(forced: &Forced, situation: &Situation<'_, D>) -> bool {
    let views = situation.wanted_views().chain(situation.leaving_views());
    let primaries = views.filter_map(|(member, view)| {
        let role = view.role.filter(|role| role.primary)?;
        Some((role.term, member))
    });
    let highest = primaries.max_by_key(|(term, _)| *term);
    highest.is_some_and(|(term, member)| match forced.term {
        Some(meant) => term > Some(meant),
        None => Some(member.id.to_string()) != forced.from,
    })
}

/// Whoever says anything at all is not dead: too many connections, a start, a refused login.
fn speaks<D>(at: Place, situation: &Situation<'_, D>) -> Option<String> {
    match situation.answers.get(&at) {
        None | Some(Err(Unanswered::Unreachable(_) | Unanswered::Timeout)) => {
            reached(at, situation.heard)
        }
        Some(Ok(_)) => Some(format!("{at} answers")),
        Some(Err(why)) => Some(format!("{at} says something: {why}")),
    }
}

fn reached(at: Place, heard: &Heard) -> Option<String> {
    let mut by = heard.of(at).filter(|(_, reached)| *reached);
    by.next().map(|(by, _)| format!("{by} reaches {at}"))
}

/// Half of the wanted members must be there: a fault of the network more often than of them.
fn few<D>(situation: &Situation<'_, D>) -> Option<String> {
    let wanted = situation.wanted().count();
    let there = situation.wanted_views().count();
    (2 * there < wanted).then(|| format!("{there} of {wanted} members answer"))
}
