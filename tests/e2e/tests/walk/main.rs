//! An operator's walk on a real swarm, in a terminal and in a browser: form,
//! scale, crash, hold, refusal, drain.
#![allow(
    clippy::disallowed_types,
    reason = "real engines run on real time, and the figures are worth seeing"
)]

mod page;
mod terminal;
mod walk;

use std::process::ExitCode;
use std::sync::Arc;

use meshworker_e2e::World;
use meshworker_lab::Suite;

fn main() -> ExitCode {
    if let Err(error) = meshworker_lab::clean_up_on_signals() {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    let world = Arc::new(World::default());
    let given = Arc::clone(&world);
    let suite = Suite::new().test("redis::an_operators_walk", move || walk::walk(&given));
    let code = suite.run();
    drop(world);
    code
}
