//! How a worker comes to a plan, look after look: what it keeps in mind between them,
//! and when it looks twice.

use std::collections::BTreeSet;

use crate::{Context, Fence, History, Observation, Plan, Planner, Request, Step, StepKind, decide};

/// What a worker keeps in mind of one cluster. It begins empty, and may be lost at any
/// moment: [`History`] only ever delays.
#[derive(Debug, Clone, Default)]
pub struct Mind {
    history: History,
    doubt: Option<Doubt>,
    /// The number under which it thought last.
    fence: Option<Fence>,
}

/// A look after which somebody was to be forgotten, and that is made again.
#[derive(Debug, Clone)]
struct Doubt {
    /// What was known before it.
    before: History,
    /// The removals that it asked for, by [`Step::key`].
    wished: BTreeSet<String>,
}

/// What follows from a look.
#[derive(Debug, Clone, PartialEq)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is one at a time, and it is nearly always a plan"
)]
pub enum Thought<R> {
    /// Do this.
    Decided(Plan<R>),
    /// Look once more, with every witness asked anew, and consider that.
    LookAgain,
}

impl Mind {
    /// Decides from this look alone, for whoever only wants to see what follows from it.
    pub fn decide<P: Planner>(
        &mut self,
        planner: &P,
        context: &Context<'_>,
        observed: &Observation<P::Detail>,
    ) -> Plan<P::Request> {
        self.heed_authority(context);
        let before = (!context.acts()).then(|| self.history.clone());
        let history = std::mem::take(&mut self.history);
        let (plan, history) = decide(planner, context, observed, history);
        self.history = history;
        if let Some(before) = before {
            // Nothing of it will be done: the next pass plans it again.
            self.history.take_back(&before, &plan.steps);
        }
        plan
    }

    /// Decides what to do after this look, and asks for another one when somebody is to
    /// be forgotten: every gate is passed a second time right before the act, on what is
    /// seen then. What only one of the two looks asks for is not made.
    ///
    /// `whole` says whether every witness was asked for this look: a second one counts
    /// only then, since an old report testifies once. A second look is always decided.
    pub fn consider<P: Planner>(
        &mut self,
        planner: &P,
        context: &Context<'_>,
        observed: &Observation<P::Detail>,
        whole: bool,
    ) -> Thought<P::Request> {
        self.heed_authority(context);
        let doubt = self.doubt.take();
        let before = self.history.clone();
        let mut plan = self.decide(planner, context, observed);
        let wished = removals(&plan).map(Step::key).collect::<BTreeSet<String>>();
        if wished.is_empty() {
            return Thought::Decided(plan);
        }
        let Some(first) = doubt else {
            self.history = before.clone();
            self.doubt = Some(Doubt { before, wished });
            return Thought::LookAgain;
        };
        // One that comes up only now has not been looked at twice: then none is
        // made in this pass, so that none is taken for made.
        if !whole || !wished.is_subset(&first.wished) {
            let sudden: Vec<Step<P::Request>> = removals(&plan).cloned().collect();
            self.history.take_back(&first.before, &sudden);
            plan.steps.retain(|step| !is_removal(step));
        }
        Thought::Decided(plan)
    }

    /// Whoever gains the authority to act forgets what he knew, and begins with what he
    /// sees: another worker has acted since. How many were there he saw for himself, and
    /// goes on missing.
    fn heed_authority(&mut self, context: &Context<'_>) {
        let fence = context.authority.fence();
        if fence.is_some() && fence != self.fence {
            *self = Mind {
                history: std::mem::take(&mut self.history).of_how_many(),
                ..Mind::default()
            };
        }
        self.fence = fence;
    }
}

fn is_removal<R: Request>(step: &Step<R>) -> bool {
    step.request.kind() == StepKind::Forget
}

fn removals<R: Request>(plan: &Plan<R>) -> impl Iterator<Item = &Step<R>> {
    plan.steps.iter().filter(|step| is_removal(step))
}
