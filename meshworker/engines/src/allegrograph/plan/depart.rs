//! Instances whose servers are gone, and repositories that were taken out: when they are
//! forgotten, the gates say.

use meshworker_core::{Departure, Member, Objection, Situation, StepKind, View};

use super::world::{self, World};
use super::{Rules, ask};
use crate::allegrograph::detail::{Detail, Repository, State};
use crate::allegrograph::request::{Act, AllegrographRequest};

/// Listed instances that no member answers as, but for the controlling one, and what is
/// thrown away.
pub fn departures(
    rules: &Rules,
    situation: &Situation<'_, Detail>,
    world: &World<'_>,
) -> Vec<Departure<AllegrographRequest>> {
    let (chief, view) = world.chief;
    let gone = world.nodes.iter().filter(|node| node.there.is_none());
    let gone = gone.map(|node| {
        let instance = node.instance;
        let at = instance.place(rules.port);
        // Somebody else may be there by now.
        let mut views = world.answering.iter();
        let address = at.filter(|at| !views.any(|other| other == at));
        let alive = instance.state == State::Up && address == at;
        let objection = |said: &str| Objection::AliveTo {
            node: view.node.clone(),
            said: said.to_owned(),
        };
        let ordered = situation.orders.forget.contains(&instance.name)
            || rules.is_lost(situation, &instance.name);
        Departure {
            node: instance.name.clone(),
            address,
            // Of one that a name leads to, or that has volumes, no witness can say that it does
            // not come back.
            objections: match () {
                () if alive => vec![objection("it runs")],
                () if rules.comes_back(instance) && !ordered => vec![objection(&format!(
                    "nothing that is sure, and it may come back with its data: only an order \
                     takes it out (`meshworker forget {}`)",
                    instance.name
                ))],
                () => Vec::new(),
            },
            steps: vec![ask(
                chief.address,
                Act::Remove(instance.name.clone()),
                StepKind::Forget,
            )],
        }
    });
    let thrown_away = situation
        .wanted_views()
        .filter(|(member, view)| is_thrown_away(rules, world, member, view));
    let thrown_away = thrown_away.map(|(member, _)| {
        let act = Act::Delete {
            controlling: chief.address,
            instance: world::name(member),
        };
        Departure {
            node: format!("what was taken out at {}", member.address),
            address: None,
            objections: Vec::new(),
            steps: vec![ask(member.address, act, StepKind::Forget)],
        }
    });
    gone.chain(thrown_away).collect()
}

/// Whether this member has a repository that was taken out of the cluster for certain: by
/// its own word, or by that of this worker, which had it done. One that is in a cluster, and
/// what the service that controls has, is thrown away by nobody.
pub fn is_thrown_away(
    rules: &Rules,
    world: &World<'_>,
    member: &Member,
    view: &View<Detail>,
) -> bool {
    let known = view.detail.taken_out.as_ref();
    let taken_out = match view.detail.repository {
        Repository::TakenOut(_) => true,
        Repository::Alone(_) => {
            member.task.is_some() && known.is_some_and(|name| *name == world::name(member))
        }
        _ => false,
    };
    let stands_alone = world.instance_of(member).is_none()
        && world.listed_at(member.address).is_none()
        && !world.is_unclear();
    taken_out && stands_alone && member.is_vouched() && !rules.may_begin(member)
}
