//! Damaged nodes, on a real swarm of three: one story at a time, because the
//! damage is everybody's.
#![allow(
    clippy::disallowed_types,
    reason = "real engines run on real time, and the figures are worth seeing"
)]

mod nodes;

use std::process::ExitCode;
use std::sync::Arc;

use meshworker_e2e::{Aerospike, Database, Redis, World};
use meshworker_lab::Suite;

fn main() -> ExitCode {
    if let Err(error) = meshworker_lab::clean_up_on_signals() {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    let world = Arc::new(World::default());
    let mut suite = Suite::new();
    let databases: [fn() -> Box<dyn Database>; 2] =
        [|| Box::new(Redis), || Box::<Aerospike>::default()];
    for database in databases {
        let (killed, cut) = (Arc::clone(&world), Arc::clone(&world));
        let name = database().name();
        suite = suite
            .test(&format!("{name}::a_node_killed"), move || {
                nodes::a_node_killed(&killed, &*database());
            })
            .test(&format!("{name}::a_node_cut_off_and_healed"), move || {
                nodes::a_node_cut_off_and_healed(&cut, &*database());
            });
    }
    let code = suite.run();
    drop(world);
    code
}
