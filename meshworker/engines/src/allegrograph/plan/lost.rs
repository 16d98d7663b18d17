//! A cluster whose controlling server does not answer as that: it is waited for, or an
//! operator says who takes its place. Nothing is guessed.

use meshworker_core::{Proposal, Situation, StepKind};

use super::world::Known;
use super::{Rules, ask, told};
use crate::allegrograph::detail::{Detail, Repository};
use crate::allegrograph::request::{Act, AllegrographRequest};

/// What is said and done where the controlling server is not there.
pub fn propose(
    rules: &Rules,
    situation: &Situation<'_, Detail>,
    known: &Known<'_>,
) -> Proposal<AllegrographRequest> {
    let name = known
        .controlling
        .map_or("an instance that its status does not name", |one| &one.name);
    let empty = situation.wanted_views().find(|(member, view)| {
        rules.may_begin(member) && view.detail.repository == Repository::None
    });
    let why = match empty {
        Some((member, _)) => format!(
            "{} has no repository, and {} know of a cluster that {name} controls: its volumes are \
             lost or elsewhere. Bring them back, or give its place to a copy, by the option \
             primary={}",
            member.id,
            all(known),
            known
                .by
                .first()
                .map_or_else(|| "COPY".into(), |(m, _)| m.id.to_string())
        ),
        None if known.controlling.is_none() => format!(
            "which instance controls the others cannot be read: {}",
            known
                .by
                .first()
                .and_then(|(_, view)| view.detail.raw.clone())
                .unwrap_or_default()
        ),
        None => format!(
            "the instance that controls the others ({name}) does not answer, and is waited for: \
             nobody is let in or taken out meanwhile"
        ),
    };
    let mut proposal = Proposal::stuck(situation, &why);
    let Some(wished) = rules.wished(situation) else {
        return proposal;
    };
    let what = format!("have {} control the others", wished.id);
    match known
        .by
        .iter()
        .find(|(member, _)| member.address == wished.address)
    {
        Some((_, view)) if view.detail.instance(&view.node).is_some() => {
            let act = Act::Control(view.node.clone());
            proposal
                .steps
                .push(ask(wished.address, act, StepKind::Arrange));
        }
        Some(_) => proposal
            .refusals
            .push(told(&what, "which of the instances it is cannot be read")),
        None => {
            let why = "it knows of no cluster, and has no data";
            proposal.refusals.push(told(&what, why));
        }
    }
    proposal
}

fn all(known: &Known<'_>) -> String {
    let names: Vec<String> = known.by.iter().map(|(m, _)| m.id.to_string()).collect();
    names.join(", ")
}
