//! What can be seen from here: the name server's answers, the task list, this
//! machine's links, clocks, and the services as they are deployed.
//!
//! ```text
//! collect ──> Facts ──> checks            (of what is seen)
//!    └── survey ── deployed ──> Stack ──> (the checks of a stack)
//! ```
//!
//! `collect`, `here` and `clock` do the asking, and all else is pure.

pub mod checks;
mod clock;
mod collect;
mod deployed;
mod facts;
mod here;
pub mod leave_time;
#[cfg(test)]
mod tests;

pub use clock::Whom;
pub use collect::Collector;
pub use facts::{Clock, Facts, Link, Overlay, Seen, Shared};

use std::time::Duration;

use meshworker_doctor::report::{Diagnosis, Skipped};
use meshworker_doctor::stack::{self, Ground, Refuses};

/// What stands for all checks of a stack where no deployed service can be seen.
const DEPLOYED: &str = "deployed";

/// Looks, and makes every check. `leave_time` is how long a member took to leave,
/// where that was measured; `shared`, what a worker says of members that share a node;
/// `refuses`, what the program says of settings.
pub async fn diagnosis(
    collector: &Collector,
    nodes: Option<usize>,
    leave_time: Option<Duration>,
    shared: Option<Vec<Shared>>,
    refuses: Refuses,
) -> Diagnosis {
    let (mut facts, stacks) = collector.collect().await;
    facts.shared = shared;
    let mut diagnosis = Diagnosis::of(checks::CHECKS, &facts);
    match stacks {
        Ok(stacks) => {
            for (stack, seen) in stacks {
                let mut ground = Ground::of(stack);
                ground.nodes = nodes.or(Some(seen)).filter(|nodes| *nodes > 0);
                ground.leave_time = leave_time;
                ground.refuses = Some(refuses);
                diagnosis = diagnosis.and(stack::diagnosis(&ground));
            }
        }
        Err(why) => diagnosis.skipped.push(Skipped {
            check: DEPLOYED,
            why: format!("{why}; look at the stack's files with --stack FILE"),
        }),
    }
    diagnosis
}
