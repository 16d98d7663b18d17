//! What every engine must do, whatever its database: a suite of scenarios that
//! run against real nodes, or a simulator of them, through the engine's seam
//! alone.
//!
//! An engine's test file makes a [`World`], which starts and kills nodes, and
//! lets [`conformance!`] make one test of each scenario:
//!
//! ```ignore
//! struct Servers { /* the processes */ }
//! impl World for Servers { /* ... */ }
//! meshworker_conformance::conformance!(Servers::new());
//! ```

// The worlds are used by tests, whose futures stay on one thread.
#![allow(async_fn_in_trait)]
// A test that cannot go on says so by a panic.
#![allow(clippy::panic, clippy::unwrap_used, clippy::missing_panics_doc)]

mod driver;
pub mod leaving;
pub mod scenarios;
mod squatter;
mod witnessed;
mod world;

pub use driver::{Driver, quick_limits};
pub use squatter::{Manner, Squatter};
pub use witnessed::{Witnessed, reports};
pub use world::World;

/// Makes one `#[tokio::test]` of each scenario. The expression makes a fresh
/// [`World`]; it is `Option`-al, so that a world whose server is not installed
/// can say so and be skipped. With `@leaving` before it, the scenarios of
/// members that leave.
#[macro_export]
macro_rules! conformance {
    (@leaving $world:expr) => {
        $crate::conformance!(@each $world, leaving;
            lets_a_member_go_that_asks
            lets_members_go_that_ask_at_once
            lets_nobody_go_below_the_floor
            lets_all_go_together_when_everybody_goes
        );
    };
    (@each $world:expr; $($scenario:ident)*) => {
        $crate::conformance!(@each $world, scenarios; $($scenario)*);
    };
    (@each $world:expr, $module:ident; $($scenario:ident)*) => {
        $(
            #[tokio::test]
            async fn $scenario() {
                if let Some(world) = $world {
                    $crate::$module::$scenario(world).await;
                }
            }
        )*
    };
    ($world:expr) => {
        $crate::conformance!(@each $world;
            forms_one_cluster_from_fresh_nodes
            leaves_a_formed_cluster_alone
            waits_for_no_spare
            joins_a_latecomer_by_one_request
            forgets_a_departed_member_after_the_hold_and_not_before
            is_blocked_by_nobody_who_misbehaves
            never_merges_a_foreign_cluster
            comes_to_the_same_result_when_the_worker_restarts_at_each_step
            is_not_disturbed_by_a_second_worker
            recognises_members_that_return_elsewhere
        );
    };
}
