//! When nothing breaks any more, all workers are one group, the largest odd number of them
//! votes, and one may act.

use std::collections::BTreeSet;

use meshworker_group::StoreId;

use super::super::world::World;

/// What is missing.
pub fn missing(world: &World) -> Option<String> {
    let mut acting = 0;
    let mut groups = BTreeSet::new();
    let mut there: BTreeSet<StoreId> = BTreeSet::new();
    for slot in &world.slots {
        let Some(task) = world.swarm.wanted(*slot) else {
            return Some(format!("worker {slot} does not run"));
        };
        let Some(process) = &task.process else {
            return Some(format!("worker {slot} does not run yet"));
        };
        let Some(replica) = process.participant.replica() else {
            return Some(format!(
                "worker {slot} is in no group: {}",
                process.participant.waits()
            ));
        };
        groups.insert(replica.group());
        there.insert(replica.store());
        acting += usize::from(process.fence(world.clock(task.machine)).is_some());
    }
    if groups.len() > 1 {
        return Some(format!("there are {} groups", groups.len()));
    }
    if acting != 1 {
        return Some(format!("{acting} may act"));
    }
    for slot in &world.slots {
        let process = world.swarm.wanted(*slot)?.process.as_ref()?;
        let replica = process.participant.replica()?;
        let live = replica
            .voters()
            .iter()
            .filter(|store| there.contains(store))
            .count();
        let wanted = (there.len().min(5) - 1) | 1;
        let wanted = if there.len() == 1 { 1 } else { wanted };
        // Who is gone without a trace has its vote for ten minutes.
        let dead = replica.voters().len() - live;
        if 2 * live <= replica.voters().len() || (dead == 0 && live != wanted) {
            return Some(format!(
                "{live} of {} that vote are there, of {} workers",
                replica.voters().len(),
                there.len()
            ));
        }
    }
    None
}
