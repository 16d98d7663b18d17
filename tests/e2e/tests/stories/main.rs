//! All stories on a real swarm of three nodes.
//!
//! Those of the gate hold each promise once, for the database where it is hardest to keep; the same stories of the other
//! database, and what takes longer than minutes, are of the long tier.
//!
//! `MESHWORKER_SEED` repeats a random mix of acts, `MESHWORKER_ACTS` makes it longer or shorter than forty, and
//! `MESHWORKER_RECORDS` the load smaller or larger than twenty thousand records.
#![allow(
    clippy::disallowed_types,
    reason = "real engines run on real time, and the figures are worth seeing"
)]

mod adopted;
mod allegrograph;
mod backup;
mod crashes;
mod damage;
mod discovery;
mod drain;
mod etcd;
mod forty_acts;
mod hand_over;
mod hostile;
mod identity;
mod life;
mod mariadb;
mod outside_names;
mod page;
mod pictures;
mod planned;
mod scaling;
mod secrets;
mod seed;
mod stack_removal;
mod stock;
mod stock_image;
mod terminal;
mod update;
mod walk;
mod workers;
mod workers_acts;

use std::process::ExitCode;
use std::sync::Arc;

use meshworker_e2e::{Aerospike, Database, Redis, World};
use meshworker_lab::Suite;

/// A story about any database.
type Story = fn(&World, &dyn Database);

/// A story about one thing in particular.
type Tale = fn(&World);

/// For which database a story is in the gate.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gate {
    Both,
    Redis,
    Aerospike,
    Neither,
}

/// The longest first: then the others fit beside them.
const STORIES: [(&str, Story, Gate); 9] = [
    ("planned_acts", planned::planned_acts, Gate::Both),
    ("stack_removal", stack_removal::stack_removal, Gate::Both),
    (
        "an_address_taken_by_another",
        identity::an_address_taken_by_another,
        Gate::Redis,
    ),
    (
        "two_clusters_on_one_network",
        identity::two_clusters_on_one_network,
        Gate::Aerospike,
    ),
    (
        "with_the_docker_api",
        discovery::with_the_docker_api,
        Gate::Redis,
    ),
    (
        "all_killed_at_once",
        crashes::all_killed_at_once,
        Gate::Redis,
    ),
    (
        "the_worker_killed_twenty_times",
        crashes::the_worker_killed_twenty_times,
        Gate::Aerospike,
    ),
    (
        "the_database_twelve_seconds_late",
        crashes::the_database_twelve_seconds_late,
        Gate::Aerospike,
    ),
    // In the gate all of it is in other stories.
    ("a_life", life::a_life, Gate::Neither),
];

fn main() -> ExitCode {
    if let Err(error) = forty_acts::check_environment() {
        eprintln!("{error}");
        return ExitCode::from(2);
    }
    if let Err(error) = meshworker_lab::clean_up_on_signals() {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    let world = Arc::new(World::default());
    // Each waits most of its time; who damages nodes waits until it is alone.
    let suite = Suite::on_labs().at_once(3);
    let suite = suite.test("redis::an_operators_walk", {
        let world = Arc::clone(&world);
        move || walk::walk(&world)
    });
    let code = tales(stories(suite, &world), &world).run();
    drop(world);
    code
}

fn stories(mut suite: Suite, world: &Arc<World>) -> Suite {
    for (name, story, gate) in STORIES {
        let databases: [(Box<dyn Database>, Gate); 2] = [
            (Box::new(Redis), Gate::Redis),
            (Box::<Aerospike>::default(), Gate::Aerospike),
        ];
        for (database, own) in databases {
            let world = Arc::clone(world);
            let name = format!("{}::{name}", database.name());
            let test = move || story(&world, &*database);
            suite = match gate == own || gate == Gate::Both {
                true => suite.test(&name, test),
                false => suite.long(&name, test),
            };
        }
    }
    suite
}

fn tales(mut suite: Suite, world: &Arc<World>) -> Suite {
    let of = |tale: Tale| {
        let world = Arc::clone(world);
        move || tale(&world)
    };
    suite = suite
        .test(
            "seed::the_old_stack_needs_only_another_image",
            of(seed::the_old_stack),
        )
        .test("etcd::grows_and_shrinks", of(etcd::grows_and_shrinks))
        .long(
            "allegrograph::grows_and_shrinks",
            of(allegrograph::grows_and_shrinks),
        )
        .long(
            "allegrograph::dies_and_comes_back",
            of(allegrograph::dies_and_comes_back),
        )
        .test("mariadb::fails_over", of(mariadb::fails_over))
        .long(
            "mariadb::fails_over_again_and_again",
            of(mariadb::fails_over_again_and_again),
        )
        .test("redis::three_workers", of(workers::three_workers))
        .test("stock::shrunk_step_by_step", of(stock::shrunk_step_by_step))
        .test(
            "docker::two_clusters_by_labels",
            of(discovery::two_clusters_by_labels),
        )
        .long(
            "redis::a_cluster_made_by_hand",
            of(adopted::a_cluster_made_by_hand),
        )
        .long("redis::a_backup_at_rest", of(backup::redis_at_rest))
        .long("redis::pictures", of(pictures::pictures))
        .long("etcd::comes_back", of(etcd::comes_back))
        .long("etcd::a_hundred_rounds", of(etcd::a_hundred_rounds))
        .long(
            "redis::a_hand_over_of_more_than_a_minute",
            of(hand_over::a_hand_over_of_more_than_a_minute),
        )
        .long(
            "redis::secrets_changed_without_a_stop",
            of(secrets::changed_without_a_stop),
        )
        .long(
            "redis::a_stock_image_in_any_order",
            of(stock_image::in_any_order),
        )
        .long(
            "redis::hostile_containers_on_the_members_network",
            of(hostile::on_the_members_network),
        )
        .long(
            "redis::random_acts_on_workers",
            of(workers_acts::random_acts),
        )
        .long("dns::sixty_replicas", of(discovery::sixty_replicas))
        .alone("both::a_node_drained", of(planned::a_node_drained))
        .long_alone("both::random_acts", of(planned::random_acts))
        .alone("both::crashes", of(damage::crashes))
        .long_alone("both::a_node_cut_off", of(damage::a_node_cut_off))
        .long_alone(
            "dns::a_silent_name_server",
            of(outside_names::a_silent_name_server),
        )
        .long_alone(
            "dns::every_name_server",
            of(outside_names::every_name_server),
        )
        .long_alone(
            "both::a_minute_without_workers",
            of(damage::a_minute_without_workers),
        );
    suite
}
