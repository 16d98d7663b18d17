//! The main job, end to end, on a real swarm of three nodes.
#![allow(
    clippy::disallowed_types,
    reason = "real engines run on real time, and the figures are worth seeing"
)]

mod crashes;
mod discovery;
mod identity;
mod life;
mod seed;
mod stock;

use std::process::ExitCode;
use std::sync::Arc;

use meshworker_e2e::{Aerospike, Database, Redis, World};
use meshworker_lab::Suite;

/// A story about any database.
type Story = fn(&World, &dyn Database);

/// A story about one thing in particular.
type Tale = fn(&World);

fn main() -> ExitCode {
    if let Err(error) = meshworker_lab::clean_up_on_signals() {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    let world = Arc::new(World::default());
    let stories: &[(&str, Story)] = &[
        ("a_life", life::a_life),
        ("all_killed_at_once", crashes::all_killed_at_once),
        (
            "the_worker_killed_twenty_times",
            crashes::the_worker_killed_twenty_times,
        ),
        (
            "the_database_twelve_seconds_late",
            crashes::the_database_twelve_seconds_late,
        ),
        (
            "two_clusters_on_one_network",
            identity::two_clusters_on_one_network,
        ),
        (
            "an_address_taken_by_another",
            identity::an_address_taken_by_another,
        ),
        ("with_the_docker_api", discovery::with_the_docker_api),
    ];
    // Each waits most of its time, and none damages a node.
    let mut suite = Suite::new().at_once(3);
    for (name, story) in stories {
        let databases: [Box<dyn Database>; 2] = [Box::new(Redis), Box::<Aerospike>::default()];
        for database in databases {
            let (world, story) = (Arc::clone(&world), *story);
            let name = format!("{}::{name}", database.name());
            suite = suite.test(&name, move || story(&world, &*database));
        }
    }
    let others: &[(&str, Tale)] = &[
        (
            "docker::two_clusters_by_labels",
            discovery::two_clusters_by_labels,
        ),
        ("dns::sixty_replicas", discovery::sixty_replicas),
        (
            "seed::the_old_stack_needs_only_another_image",
            seed::the_old_stack,
        ),
        ("stock::shrunk_step_by_step", stock::shrunk_step_by_step),
    ];
    for (name, test) in others {
        let (world, test) = (Arc::clone(&world), *test);
        suite = suite.test(name, move || test(&world));
    }
    let code = suite.run();
    drop(world);
    code
}
