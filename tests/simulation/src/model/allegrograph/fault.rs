//! The engine's planner, and faults of its own that are put back.

use meshworker_core::{
    Capabilities, Member, Place, Planner, Proposal, Situation, Step, StepKind, View,
};
use meshworker_engines::allegrograph::{Act, AllegrographRequest, Detail, Repository, Rules};

use crate::relapse::Relapse;

/// The real planner, and around it the fault that is back, if any.
#[derive(Debug)]
pub struct Faulty {
    rules: Rules,
    relapse: Option<Relapse>,
}

impl Faulty {
    pub(super) fn of(rules: Rules, relapse: Option<Relapse>) -> Faulty {
        Faulty { rules, relapse }
    }
}

impl Planner for Faulty {
    type Detail = Detail;
    type Request = AllegrographRequest;

    fn capabilities(&self) -> Capabilities {
        self.rules.capabilities()
    }

    fn propose(&self, situation: &Situation<'_, Detail>) -> Proposal<AllegrographRequest> {
        let mut proposal = self.rules.propose(situation);
        match self.relapse {
            Some(Relapse::Promotes) if is_without_chief(situation) => {
                proposal.steps.extend(promote(situation));
            }
            _ => {}
        }
        proposal
    }
}

type Views<'a> = Vec<(&'a Member, &'a View<Detail>)>;

fn ask(to: Place, act: Act) -> Step<AllegrographRequest> {
    let kind = StepKind::Arrange;
    Step::new(to, AllegrographRequest { act, kind }, Vec::new())
}

fn is_without_chief(situation: &Situation<'_, Detail>) -> bool {
    let views: Views<'_> = situation.wanted_views().collect();
    let controls = |view: &View<Detail>| {
        let chief = view.detail.controlling();
        chief.is_some_and(|chief| chief.name == view.node)
    };
    !views.iter().any(|(_, view)| controls(view))
}

/// Any copy that answers takes the controlling server's place, without an order.
fn promote(situation: &Situation<'_, Detail>) -> Option<Step<AllegrographRequest>> {
    let mut all = situation.wanted_views();
    let (member, view) = all.find(|(_, view)| view.detail.repository == Repository::Member)?;
    Some(ask(member.address, Act::Control(view.node.clone())))
}
