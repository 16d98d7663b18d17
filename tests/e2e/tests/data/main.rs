//! No data lost, on a real swarm of three nodes: planned acts, removal and
//! crashes, under a writer and a reader that never pause.
//!
//! `MESHWORKER_SEED` repeats a random mix of acts, `MESHWORKER_ACTS` makes it
//! longer or shorter than forty.
#![allow(
    clippy::disallowed_types,
    reason = "real engines run on real time, and the figures are worth seeing"
)]

mod crashes;
mod drain;
mod forty_acts;
mod planned;
mod scaling;
mod stack_removal;
mod update;

use std::process::ExitCode;
use std::sync::Arc;

use meshworker_e2e::{Aerospike, Database, Redis, World};
use meshworker_lab::Suite;

/// A story about a database of so many members.
type Story = fn(&World, &dyn Database, usize);

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
    let stories: [(&str, Story); 2] = [
        ("planned_acts", planned::planned_acts),
        ("stack_removal", stack_removal::stack_removal),
    ];
    // Each waits most of its time; crashes wait until they are alone.
    let mut suite = Suite::new().at_once(2);
    for (name, story) in stories {
        let databases: [(Box<dyn Database>, usize); 2] =
            [(Box::new(Redis), 6), (Box::<Aerospike>::default(), 5)];
        for (database, members) in databases {
            if database.name() == "aerospike" && !Aerospike::is_simulated() {
                // Only the simulator's records can be counted.
                continue;
            }
            let world = Arc::clone(&world);
            let name = format!("{}::{name}", database.name());
            suite = suite.test(&name, move || story(&world, &*database, members));
        }
    }
    let alone = Arc::clone(&world);
    suite = suite.test("both::crashes", move || crashes::crashes(&alone));
    let code = suite.run();
    drop(world);
    code
}
