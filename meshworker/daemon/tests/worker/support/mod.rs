//! What the tests share: a world of nodes and a name server, and workers in it.

mod chance;
mod process;
mod recorded;
mod shift;
mod world;

use std::fmt::Debug;
use std::time::Duration;

pub use chance::Chance;
pub use process::Process;
pub use shift::{Shift, TaskList, look};
pub use world::World;

/// Far more than anything takes: only what is broken waits so long, however
/// busy the machine is.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until something is so, and returns it; panics with what was last seen
/// otherwise.
pub async fn until<S: Debug>(
    what: &str,
    look: impl AsyncFnMut() -> S,
    is_so: impl Fn(&S) -> bool,
) -> S {
    let waited = aerospike_sim::testing::wait_for(what, PATIENCE, look, is_so).await;
    waited.unwrap_or_else(|last_seen| panic!("{last_seen}"))
}
