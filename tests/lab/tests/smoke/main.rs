//! The lab tried on itself: a swarm forms, serves a stack, is damaged and mended, and leaves nothing behind.
#![allow(
    clippy::disallowed_types,
    reason = "real engines run on real time, and the figures are worth seeing"
)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod leftovers;
mod nowhere;
mod orphan;
mod scenario;

use std::process::ExitCode;

use meshworker_lab::Suite;

fn main() -> ExitCode {
    if orphan::is_asked() {
        orphan::play();
    }
    Suite::on_labs()
        .test("a_dead_owners_lab_is_swept", orphan::is_swept)
        .test(
            "an_interrupted_owner_ends_its_clients_and_cleans_up",
            orphan::cleans_up,
        )
        .test(
            "the_addresses_of_a_lab_that_is_gone_lead_nowhere",
            nowhere::leads_nowhere,
        )
        .long("a_stack_survives_what_the_lab_does_to_it", scenario::run)
        .long("three_managers_outlive_the_first", scenario::three_managers)
        .long("two_labs_fit_beside_each_other", scenario::two_labs)
        .run()
}
