//! Planned acts, one after another on one loaded database.

use std::path::PathBuf;

use meshworker_e2e::{Acts, Aerospike, Database, Deployment, Redis, World};

use crate::{drain, forty_acts, scaling, update};

/// Scale down in one command and up again, update: nothing is lost at any point, and no read is answered wrongly.
pub fn planned_acts(world: &World, database: &dyn Database) {
    let members = members(database);
    on_a_loaded_database(world, database, "acts", "1", |acts| {
        scaling::scaling(acts, members);
        update::update(acts, members);
    });
}

/// A node is drained, with members of both databases on it.
pub fn a_node_drained(world: &World) {
    of_both(world, "drain", "1", drain::drain);
}

/// A random mix of all that, while the three workers are killed again and again.
pub fn random_acts(world: &World) {
    of_both(world, "mix", "3", forty_acts::forty_acts);
}

/// Both at the same time: an act that moves everybody's replicas waits until the other's act is over.
fn of_both(world: &World, name: &str, workers: &str, perform: fn(&mut Acts<'_>, usize)) {
    let databases: [&dyn Database; 2] = [&Redis, &Aerospike::default()];
    std::thread::scope(|scope| {
        for database in databases {
            scope.spawn(move || {
                let members = members(database);
                on_a_loaded_database(world, database, name, workers, |acts| {
                    perform(acts, members);
                });
            });
        }
    });
}

/// How many members such stories begin with: two more than must stay, or three.
pub fn members(database: &dyn Database) -> usize {
    match database.keeps_data() {
        true => 6,
        false => 5,
    }
}

/// Whether records of this database can be counted: those of the simulator, where it is one. Otherwise says that the
/// story cannot be told of it.
pub fn is_countable(database: &dyn Database) -> bool {
    let is_countable = database.name() != "aerospike" || Aerospike::is_simulated();
    if !is_countable {
        meshworker_needs::missing(
            "the simulator",
            "only its records can be counted: unset AEROSPIKE_IMAGE",
        );
    }
    is_countable
}

/// What these stories add to the database's stack.
pub fn stack_file(database: &dyn Database) -> PathBuf {
    World::test_stack(&format!("data-{}.yml", database.name()))
}

fn on_a_loaded_database(
    world: &World,
    database: &dyn Database,
    name: &str,
    workers: &str,
    perform: impl FnOnce(&mut Acts<'_>),
) {
    if !is_countable(database) {
        return;
    }
    let members = members(database);
    let _whole = world.nodes_whole();
    let files = [stack_file(database)];
    let env = [("WORKERS", workers)];
    let deployment = Deployment::with(world.swarm(), database, name, members, &files, &env);
    let mut acts = Acts::begin(world, deployment, members);
    perform(&mut acts);
    acts.deployment.becomes_clean(members);
    acts.is_whole();
    let log = acts.deployment.worker_log();
    assert!(!log.contains("panicked"), "the worker broke:\n{log}");
}
