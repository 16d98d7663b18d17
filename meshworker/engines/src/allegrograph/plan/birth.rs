//! A cluster begins once: at the one replica of the service that controls, where every server
//! that there is says that it knows of none.

use std::collections::BTreeSet;

use meshworker_core::{Place, Proposal, Situation, StepKind, Unity, Witness};

use super::{Rules, ask, told, world};
use crate::allegrograph::detail::{Detail, Repository};
use crate::allegrograph::request::{Act, AllegrographRequest};

/// What brings a cluster into being where nobody knows of one.
pub fn propose(rules: &Rules, situation: &Situation<'_, Detail>) -> Proposal<AllegrographRequest> {
    match begins(rules, situation) {
        Ok((at, act)) => Proposal {
            steps: vec![ask(at, act, StepKind::Arrange)],
            outsiders: leaving(situation),
            ..Proposal::nothing(Unity::apart("a cluster begins"))
        },
        Err(why) => {
            let mut waits = Proposal::stuck(situation, &why);
            waits.refusals = vec![told("begin a cluster", why)];
            waits.outsiders = leaving(situation);
            let free = &waits.outsiders;
            waits.leaves.retain(|leave| !free.contains(&leave.address));
            waits
        }
    }
}

/// Whoever is meant to go and is in no cluster for certain may.
fn leaving(situation: &Situation<'_, Detail>) -> BTreeSet<Place> {
    let free = situation.leaving_views();
    let free = free.filter(|(_, view)| view.detail.repository == Repository::None);
    free.map(|(member, _)| member.address).collect()
}

fn begins(rules: &Rules, situation: &Situation<'_, Detail>) -> Result<(Place, Act), String> {
    let mut all = situation.wanted().filter(|member| rules.may_begin(member));
    let Some(first) = all.next() else {
        return Err(format!(
            "no replica of a service {} is there: see the option {}",
            rules.service,
            crate::allegrograph::SERVICE
        ));
    };
    if let Some(second) = all.next() {
        return Err(format!(
            "{} and {} may both begin it: let the service {} have one replica",
            first.id, second.id, rules.service
        ));
    }
    let name = world::name(first);
    let ordered = rules.is_to_begin(situation, &name);
    let was_one = situation.was_one || situation.orders.born.is_some();
    if was_one && !ordered {
        return Err(format!(
            "there was a cluster, and nobody who knows of it answers: bring the volumes of {} \
             back, or a copy; if all are lost, the option begin={name} has another one begin",
            first.id
        ));
    }
    // Whoever is not heard may know of a cluster.
    for member in situation.wanted().chain(situation.leaving()) {
        let detail = match situation.answers.get(&member.address) {
            Some(Ok(view)) => &view.detail,
            Some(Err(why)) => return Err(format!("{}: {why}", member.id)),
            None => return Err(format!("{} was not asked", member.id)),
        };
        match &detail.repository {
            Repository::None => {}
            Repository::Alone(_) if member.address == first.address && ordered => {}
            Repository::Alone(said) if member.address == first.address => {
                return Err(format!(
                    "{} has a repository that is in no cluster ({said}), and may have been in \
                     one: the option begin={name} makes it the first instance",
                    member.id
                ));
            }
            Repository::Alone(said) | Repository::TakenOut(said) => {
                return Err(format!(
                    "{} has a repository of its own ({said}): if nobody needs it, delete it there",
                    member.id
                ));
            }
            Repository::Unsure(said) => {
                return Err(format!(
                    "{}: whether its repository is in a cluster cannot be read: {said}",
                    member.id
                ));
            }
            Repository::Member | Repository::Unasked => {
                return Err(format!("{} knows of a cluster", member.id));
            }
        }
    }
    // Copies are in the name server once they are in the cluster: before, it lists none of them.
    // Whoever runs under a supervisor is heard of within moments, for which the core waits.
    let census = situation.roster.census();
    let lists = [Witness::Docker, Witness::Kubernetes, Witness::Dns];
    let listed = lists.iter().any(|witness| census.is_complete(*witness));
    if !listed && !census.speaks(Witness::Announce) {
        return Err("no witness lists the members: one that is not listed may know of one".into());
    }
    let act = Act::Create {
        instance: name,
        host: rules.host(first),
    };
    Ok((first.address, act))
}
