//! Members that are meant to go: a copy is taken out before it stops, also while it gets its
//! data; one of the service that controls comes back with its volumes.

use meshworker_core::{Going, Leave, Member, Situation, Step, StepKind, Touches, View};

use super::world::World;
use super::{Rules, ask};
use crate::allegrograph::detail::{Detail, Instance, Repository, State};
use crate::allegrograph::request::{Act, AllegrographRequest};

/// What each of them needs. Whoever is in no cluster needs nothing.
pub fn leaves(
    rules: &Rules,
    situation: &Situation<'_, Detail>,
    world: &World<'_>,
) -> Vec<Leave<AllegrographRequest>> {
    let going = situation.leaving_views();
    let going = going.filter(|(member, _)| !world.is_free(member));
    let leaves = going.map(|(member, view)| {
        let mut leave = Leave::of(member.address, &view.node);
        leave.touches = Touches::Parts([member.id.to_string()].into());
        // Whoever has no data yet, or sees others that have none, is no less one with the rest.
        leave.judged = true;
        let for_good = situation.going(member) == Going::ForGood;
        let returns = rules.may_begin(member) && !for_good;
        let controls = member.address == world.chief.0.address;
        match world.instance_of(member) {
            // What it has it finds again.
            Some(_) if returns => {}
            _ if controls => {
                let others = world.there().count() > 1;
                if others || !rules.may_begin(member) {
                    leave.holds.push(
                        "the control of the others, and no volumes that come back: the option \
                         primary gives it to another one"
                            .into(),
                    );
                }
                leave.steps.extend(hand_back(rules, situation, world));
            }
            Some(instance) => {
                leave.holds.extend(apart(situation, world, instance, view));
                let act = Act::Remove(instance.name.clone());
                leave
                    .last
                    .push(ask(world.chief.0.address, act, StepKind::Leave));
            }
            None => leave
                .holds
                .push("a copy that was asked for, and shows in no status yet".into()),
        }
        leave
    });
    leaves.collect()
}

/// Has one of the service that controls take over again, if it is whole.
fn hand_back(
    rules: &Rules,
    situation: &Situation<'_, Detail>,
    world: &World<'_>,
) -> Option<Step<AllegrographRequest>> {
    let whole = |instance: &Instance, (member, view): (&Member, &View<Detail>)| {
        rules.may_begin(member)
            && situation.is_wanted(member.address)
            && instance.state == State::Up
            && view.detail.repository == Repository::Member
            && view.working.is_none()
    };
    let mut others = world.there();
    let other = others.find(|node| node.there.is_some_and(|there| whole(node.instance, there)))?;
    let act = Act::Control(other.instance.name.clone());
    Some(ask(world.chief.0.address, act, StepKind::Leave))
}

/// Whom of those that stay and are whole this one does not reach, by its own word: what was
/// written to it may be nowhere else.
fn apart(
    situation: &Situation<'_, Detail>,
    world: &World<'_>,
    instance: &Instance,
    view: &View<Detail>,
) -> Option<String> {
    if world.is_copied(instance) || view.detail.repository == Repository::None {
        return None;
    }
    if view.detail.repository != Repository::Member {
        let seen = instance.state == State::Up;
        return (!seen).then(|| "what was written to it, perhaps: it cannot be read".into());
    }
    let mut others = world.there().filter(|node| {
        let stays = |(member, _): (&Member, &View<Detail>)| situation.is_wanted(member.address);
        let is_in = !matches!(node.instance.state, State::Down | State::Stopped);
        node.there.is_some_and(stays) && is_in && !world.is_copied(node.instance)
    });
    let unseen = |name: &str| {
        let seen = view.detail.instance(name).map(|one| &one.state);
        matches!(seen, None | Some(State::Down | State::Stopped))
    };
    let other = others.find(|node| unseen(&node.instance.name))?;
    let name = &other.instance.name;
    Some(format!(
        "what was written to it, perhaps: it does not reach {name}"
    ))
}
