//! Members that are meant to go: leadership first; and who goes for good is taken out
//! before it stops.

use meshworker_core::{Going, Leave, Situation, StepKind};

use super::ask;
use super::world::{Node, World, quorum};
use crate::etcd::detail::Detail;
use crate::etcd::request::{Act, EtcdRequest};

/// What each of them needs, the leader last.
pub fn leaves(situation: &Situation<'_, Detail>, world: &World<'_>) -> Vec<Leave<EtcdRequest>> {
    let too_many = too_many_go(world);
    let mut going: Vec<_> = situation.leaving_views().collect();
    going.sort_by_key(|(member, view)| (view.node == world.leader.view.node, member.address));
    let leaves = going.into_iter().map(|(member, view)| {
        let node = world.nodes.iter().find(|node| node.listed.id == view.node);
        let mut leave = Leave::of(member.address, &view.node);
        if let Some(node) = node {
            let for_good = match situation.going(member) {
                Going::ForGood => true,
                Going::Unclear => too_many,
                _ => false,
            };
            prepare(world, node, for_good, &mut leave);
        }
        leave
    });
    let mut leaves: Vec<_> = leaves.collect();
    // One at a time: each counts on those that are there before it.
    let out = leaves.iter().position(|leave| !leave.last.is_empty());
    let first = out
        .and_then(|out| leaves.get(out))
        .map(|leave| leave.node.clone());
    for (position, leave) in leaves.iter_mut().enumerate() {
        if let Some(first) = first.as_ref().filter(|_| out != Some(position)) {
            leave.last.clear();
            leave
                .holds
                .push(format!("its vote, until {first} is taken out"));
        }
    }
    leaves
}

/// Whether those that stay would be no quorum of all. Then whoever may come back or not is
/// taken out: with it the quorum would be gone for good, without it it comes back empty.
fn too_many_go(world: &World<'_>) -> bool {
    let stay = world.voters().filter(|node| node.stays()).count();
    stay > 0 && stay < quorum(world.voters().count())
}

fn prepare(world: &World<'_>, node: &Node<'_>, for_good: bool, leave: &mut Leave<EtcdRequest>) {
    let remove = || {
        let act = Act::Remove(node.listed.id.clone());
        ask(world, act, StepKind::Leave)
    };
    if node.listed.learner {
        leave.last.extend(for_good.then(remove));
        return;
    }
    let others = || {
        world
            .voters()
            .filter(|other| other.listed.id != node.listed.id)
    };
    if world.leads(node) {
        // To whoever has most of the log, and stays.
        let index = |other: &&Node<'_>| other.there.map(|(_, view)| view.detail.index);
        let stay = others().filter(|other| other.stays());
        if let Some(next) = stay.max_by_key(index) {
            let act = Act::MoveLeader(next.listed.id.clone());
            leave.steps.push(ask(world, act, StepKind::Leave));
            leave.holds.push("it leads the others".into());
            return;
        }
    }
    let (all, alive) = (
        world.voters().count(),
        others().filter(|o| o.there.is_some()).count(),
    );
    let (left, needed) = match for_good {
        true => (all.saturating_sub(1), quorum(all.saturating_sub(1))),
        false => (all, quorum(all)),
    };
    if for_good && !others().any(Node::stays) {
        leave
            .holds
            .push("its vote: none of the voters would stay".into());
    } else if all > 1 && alive < needed {
        leave.holds.push(format!(
            "its vote: {alive} of {left} voters would be there, and {needed} are needed"
        ));
    } else if for_good {
        leave.last.push(remove());
    }
}
