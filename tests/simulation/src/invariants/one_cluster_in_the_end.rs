//! Once nothing breaks any more, there is one cluster of exactly the wanted
//! members, nobody who is gone is remembered, and nobody waits to leave.

use crate::model::FLOOR;
use crate::swarm::State;
use crate::world::World;

/// What is still missing; none when the goal is reached.
pub fn missing(world: &World) -> Option<String> {
    let swarm = &world.swarm;
    if !swarm.update.is_empty() {
        return Some("an update goes on".into());
    }
    let mut members = Vec::new();
    for (_, task) in swarm.live() {
        match task.node {
            _ if task.unwanted.is_some() => return Some(format!("{task} has not left")),
            Some(node) if task.state == State::Running => members.push(node),
            _ => return Some(format!("{task} has not started")),
        }
    }
    if members.len() as u64 != swarm.desired {
        let have = members.len();
        return Some(format!("{have} members run of {}", swarm.desired));
    }
    members.sort_unstable();
    for node in &members {
        let it = world.database.nodes.get(*node)?;
        if !it.is_alive() {
            return Some(format!("n{node} is dead"));
        }
        let fragment = world.database.fragments.get(&it.fragment)?;
        if !fragment.members.iter().eq(&members) {
            return Some(format!(
                "n{node} sees {:?}, not {members:?}",
                fragment.members
            ));
        }
        // Where fewer are wished for than copies are kept, nobody is forgotten.
        let enough = members.len() >= FLOOR;
        if let Some(gone) = it.departed.first().filter(|_| enough) {
            return Some(format!("n{node} remembers n{gone}"));
        }
    }
    let open = world
        .workers
        .iter()
        .find(|w| !w.up || !w.told.one || !w.told.calm && members.len() >= FLOOR);
    open.filter(|_| swarm.desired > 0)
        .map(|w| format!("worker {} says {:?}", w.number, w.told))
}
