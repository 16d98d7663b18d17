//! No unit of data is lost because a member was let go.
//!
//! A unit is lost when its last holder ends. That is a release's fault when
//! the holder was let go although it was the only one when the workers looked,
//! or when another holder had been let go since then. It is a crash's fault
//! when every other holder crashed, or stopped without being let go, between
//! the look and the end. When everybody goes, nothing can be kept.

use crate::event::Lost;
use crate::model::{Cause, Model};
use crate::world::World;

/// Objects when a release lost the unit.
pub fn check<M: Model>(world: &World<M>, lost: &Lost) -> Result<(), String> {
    let Lost { unit, last } = lost;
    if world.swarm.desired == 0 {
        return Ok(());
    }
    let released = |node: usize| {
        let death = world.database.process(node).and_then(|p| p.died);
        death.is_some_and(|death| death.cause == Cause::Released)
    };
    let with_everybody = |node: &usize| {
        let task = world.swarm.task_of(*node);
        task.is_some_and(|task| task.grants.iter().any(|word| word.everybody))
    };
    if last.iter().any(with_everybody) {
        return Ok(());
    }
    for node in last.iter().copied().filter(|node| released(*node)) {
        let Some(task) = world.swarm.task_of(node) else {
            continue;
        };
        for word in &task.grants {
            let seen = word.holders.get(*unit).copied().unwrap_or_default() & !(1 << node);
            if seen == 0 {
                return Err(format!(
                    "n{node} was let go when nobody else held unit {unit}"
                ));
            }
            let others =
                (0..world.database.processes().len()).filter(|other| seen & (1 << other) != 0);
            let mut others = others.chain(last.iter().copied()).filter(|o| *o != node);
            if let Some(other) = others.find(|other| released(*other)) {
                return Err(format!(
                    "n{node} and n{other} held unit {unit}, and both were let go"
                ));
            }
        }
    }
    // Without a fault, and with nobody out of time, nothing is lost at all.
    let planned = world.setup.supervised && !world.setup.faults;
    if planned && !world.swarm.tasks.iter().any(|task| task.alone) {
        return Err(format!(
            "unit {unit} was lost with {last:?} in planned acts"
        ));
    }
    Ok(())
}
