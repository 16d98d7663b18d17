//! Once nothing breaks any more, there is one cluster of exactly the wanted
//! members, nobody who is gone is remembered, and nobody waits to leave.

use crate::model::Model;
use crate::swarm::State;
use crate::world::World;

/// What is still missing; none when the goal is reached.
pub fn missing<M: Model>(world: &World<M>) -> Option<String> {
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
    if let Some(dead) = members.iter().find(|node| !world.database.runs(**node)) {
        return Some(format!("n{dead} is dead"));
    }
    if let Some(missing) = world.database.missing(&members, world.now) {
        return Some(missing);
    }
    let open = world
        .workers
        .iter()
        .find(|w| !w.up || !w.told.one || !w.told.calm && members.len() >= M::FLOOR);
    open.filter(|_| swarm.desired > 0)
        .map(|w| format!("worker {} says {:?}", w.number, w.told))
}
