//! A cluster whose controlling server does not answer as that: it is waited for, or an
//! operator says who takes its place. Nothing is guessed.

use meshworker_core::{Proposal, Situation, StepKind, View};

use super::world::Known;
use super::{Rules, ask, told};
use crate::allegrograph::detail::{Detail, Repository, State};
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
             lost or elsewhere. Bring them back, or give its place to a copy, by the options \
             lost={name} and primary={}",
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
    // Also where the worker that saw it whole is gone.
    proposal.born = known.controlling.map(|one| one.name.clone());
    // Whoever has no data, and is listed nowhere, leaves nothing behind.
    let listed = |at| {
        let mut all = (known.by.iter()).flat_map(|(_, view)| view.detail.instances.iter());
        all.any(|one| one.place(rules.port) == Some(at))
    };
    let free = situation.leaving_views().filter(|(member, view)| {
        view.detail.repository == Repository::None && !listed(member.address)
    });
    proposal.outsiders = free.map(|(member, _)| member.address).collect();
    let free = &proposal.outsiders;
    proposal
        .leaves
        .retain(|leave| !free.contains(&leave.address));
    let Some(wished) = rules.wished(situation) else {
        return proposal;
    };
    let is_lost = known
        .controlling
        .is_some_and(|one| rules.is_lost(situation, &one.name));
    let what = format!("have {} control the others", wished.id);
    match known
        .by
        .iter()
        .find(|(member, _)| member.address == wished.address)
    {
        // A wish may stand for long: it is no word on whoever does not answer for a moment.
        Some(_) if !is_lost => {
            let why = format!("nobody says that {name} is lost: the option lost={name} does");
            proposal.refusals.push(told(&what, why));
        }
        Some((_, view)) if is_whole(view) => {
            let act = Act::Control(view.node.clone());
            proposal
                .steps
                .push(ask(wished.address, act, StepKind::Arrange));
        }
        Some(_) => proposal.refusals.push(told(
            &what,
            "it is being copied yet, or stopped, or which of the instances it is cannot be read",
        )),
        None => {
            let why = "it knows of no cluster, and has no data";
            proposal.refusals.push(told(&what, why));
        }
    }
    proposal
}

/// Whether it has all data, as far as it says.
fn is_whole(view: &View<Detail>) -> bool {
    let state = view.detail.instance(&view.node).map(|one| &one.state);
    let is_in = matches!(state, Some(State::Up | State::Unsaid | State::Other(_)));
    is_in && view.working.is_none()
}

fn all(known: &Known<'_>) -> String {
    let names: Vec<String> = known.by.iter().map(|(m, _)| m.id.to_string()).collect();
    names.join(", ")
}
