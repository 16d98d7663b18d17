//! All planned acts, one after another on one loaded database.

use std::path::PathBuf;

use meshworker_e2e::{Acts, Database, Deployment, World};

use crate::{drain, forty_acts, scaling, update};

/// Scale down in one command and up again, update, drain, and a random mix of
/// all that: nothing is lost at any point, and no read is answered wrongly.
pub fn planned_acts(world: &World, database: &dyn Database, members: usize) {
    let _whole = world.nodes_whole();
    let swarm = world.swarm();
    let files = [stack_file(database)];
    let deployment = Deployment::with(swarm, database, "acts", members, &files, &[]);
    let mut acts = Acts::begin(world, deployment, members);
    scaling::scaling(&mut acts, members);
    acts.is_whole();
    update::update(&mut acts, members);
    acts.is_whole();
    drain::drain(&mut acts, members);
    acts.is_whole();
    forty_acts::forty_acts(&mut acts, members);
    acts.deployment.becomes_clean(members);
    acts.is_whole();
    let log = acts.deployment.worker_log();
    assert!(!log.contains("panicked"), "the worker broke:\n{log}");
}

/// What these stories add to the database's stack.
pub fn stack_file(database: &dyn Database) -> PathBuf {
    World::test_stack(&format!("data-{}.yml", database.name()))
}
