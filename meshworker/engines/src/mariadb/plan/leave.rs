//! Members that are meant to go: the primary hands over first, and whoever goes stops
//! acknowledging before it does.

use meshworker_core::{Leave, Situation, StepKind};

use super::ask;
use super::world::{Node, World};
use crate::mariadb::detail::{Connection, Detail};
use crate::mariadb::request::{Act, MariadbRequest};

/// What each of them needs, the primary last.
pub fn leaves(
    situation: &Situation<'_, Detail>,
    world: &World<'_>,
    primary: &Node<'_>,
) -> Vec<Leave<MariadbRequest>> {
    let mut going: Vec<_> = situation.leaving_views().collect();
    going.sort_by_key(|(member, _)| (member.address == primary.at(), member.address));
    let ackers = world.ackers().unwrap_or_default();
    let leaves = going.into_iter().map(|(member, view)| {
        let mut leave = Leave::of(member.address, &view.node);
        if member.address == primary.at() {
            hand_over(world, primary, &mut leave);
        } else if let Some(node) = world.nodes.values().find(|n| n.at() == member.address)
            && ackers.contains(&node.server)
            // The last one goes as it is: whoever writes waits for it.
            && ackers.len() > 1
        {
            leave.holds.push("it may acknowledge writes".into());
            let receives = node.detail.source.as_ref();
            if receives.is_some_and(|source| source.connection != Connection::Stopped) {
                let retire = Act::Retire { term: world.term };
                leave.steps.push(ask(node, retire, StepKind::Leave));
            }
        }
        leave
    });
    leaves.collect()
}

/// The primary takes no more writes once somebody can take its place.
fn hand_over(world: &World<'_>, primary: &Node<'_>, leave: &mut Leave<MariadbRequest>) {
    // Where nobody stays nobody takes over.
    let mut others = world.nodes.values();
    if !others.any(|node| node.server != primary.server && node.stays()) {
        return;
    }
    leave.holds.push("it is the primary".into());
    let may = |node: &Node<'_>| node.stays() && world.chosen.against(node.server).is_none();
    match successor(world, primary, may) {
        true => {
            let close = Act::Close { term: world.term };
            leave.steps.push(ask(primary, close, StepKind::Leave));
        }
        false => leave
            .holds
            .push("nobody is in step to take its place".into()),
    }
}

/// Whether this primary, which is well, gives its place to one that is to have it, and can.
pub fn gives_way(world: &World<'_>, primary: &Node<'_>) -> bool {
    let chosen = |node: &Node<'_>| world.chosen.succeeds(primary.server, node.server);
    successor(world, primary, |node| node.stays() && chosen(node))
}

/// Whether one of these can take the primary's place at once, and lose nothing.
fn successor(world: &World<'_>, primary: &Node<'_>, of: impl Fn(&Node<'_>) -> bool) -> bool {
    let ackers = world.ackers().unwrap_or_default();
    let all = ackers.iter().all(|server| world.nodes.contains_key(server));
    let mut others = world.nodes.values().filter(|node| of(node));
    let close = |node: &Node<'_>| node.is_close_to(&primary.detail.written);
    let all_close = ackers
        .iter()
        .all(|server| world.nodes.get(server).is_some_and(close));
    all && all_close
        && others
            .any(|node| node.is_up() && ackers.contains(&node.server) && node.unfit().is_none())
}
