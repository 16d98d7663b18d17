//! `meshworker health`.

use std::process::ExitCode;

use crate::init;
use crate::words::dull;

/// Asks the supervisor of this container whether its member is healthy; prints
/// one line.
pub fn health() -> ExitCode {
    let (line, healthy) = match init::ask() {
        Ok(answer) => answer,
        Err(why) => (
            format!("unhealthy: no supervisor answers in this container: {why}"),
            false,
        ),
    };
    println!("{}", dull(&line));
    if healthy {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
