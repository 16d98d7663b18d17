//! Voters that are dead: removed before anybody takes their place. When, the gates say.

use meshworker_core::{Departure, MemberId, Objection, Situation, StepKind};

use super::change::is_blank;
use super::world::{Node, World};
use super::{Rules, ask};
use crate::etcd::detail::Detail;
use crate::etcd::request::{Act, EtcdRequest};

/// Listed voters that nobody answers as and whose slots are not about to be filled.
pub fn departures(
    rules: &Rules,
    situation: &Situation<'_, Detail>,
    world: &World<'_>,
) -> Vec<Departure<EtcdRequest>> {
    let dead = world.voters().filter(|node| node.there.is_none());
    let dead = dead.filter(|node| !comes_back(situation, world, node));
    dead.map(|node| {
        let voters = world.voters().filter_map(|voter| voter.there);
        let sees = voters.filter(|(_, view)| view.detail.connected.contains_key(&node.listed.id));
        Departure {
            node: node.listed.id.clone(),
            address: node.listed.place(rules.service_port),
            objections: sees
                .map(|(_, view)| Objection::AliveTo {
                    node: view.node.clone(),
                    said: "connected".into(),
                })
                .collect(),
            steps: vec![ask(
                world,
                Act::Remove(node.listed.id.clone()),
                StepKind::Forget,
            )],
        }
    })
    .collect()
}

/// Whether its slot is about to be filled again, or somebody is there who has its data:
/// it comes back as the same member. After a minute whoever waits for its place outranks
/// whoever is only to come.
fn comes_back(situation: &Situation<'_, Detail>, world: &World<'_>, node: &Node<'_>) -> bool {
    let Some(slot) = node.slot else {
        return false;
    };
    let members = || situation.roster.members().iter();
    let is_here = |id: &MemberId| matches!(id, MemberId::Slot { slot: its, .. } if *its == slot);
    // An empty disk in its slot says that its data does not come back.
    if let Some(spare) = situation.spares().find(|member| is_here(&member.id)) {
        let ids = spare.disk.as_deref().and_then(|disk| disk.ids());
        return ids.is_some_and(|ids| *ids.node == *node.listed.id);
    }
    let away = &world.leader.view.detail.away;
    if away.contains(&node.listed.id) && situation.spares().any(is_blank) {
        return false;
    }
    let services = members().filter_map(|member| match &member.id {
        MemberId::Slot { service, .. } => Some(service.clone()),
        MemberId::Address(_) => None,
    });
    let census = situation.roster.census();
    let mut ids = services.map(|service| MemberId::Slot { service, slot });
    ids.any(|id| census.is_to_fill(&id) == Some(true))
}
