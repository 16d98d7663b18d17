//! The whole decide loop against a model of the world, in virtual time.
//!
//! ```text
//! Operator ──> Swarm ──> tasks, supervisors ──┐
//!     │          │                            │ announcements, verdicts
//!     │       witnesses (they lie)            v
//!     └──> Net    └──────────────────────> Worker: look, decide, act
//!          └──> Database <── requests ────────┘
//! ```
//!
//! A story is drawn from a seed: what kind of world it is, what operators do
//! and what breaks, how each witness lies, when each worker is killed. The
//! world moves in steps of a tenth of a second, and every promise under
//! [`invariants`] is checked after each of them. When nothing breaks any more,
//! one cluster of exactly the wanted members must come of it.
//!
//! The decision is the real one, called as the daemon calls it. What is
//! modelled is the rest: a database with two copies of each unit of data, a
//! swarm with the times of a real one, and members whose supervisors wait for
//! the workers' word.
//!
//! A failure prints its seed and its story. `cargo xtask simulate --seed S
//! --runs N` plays it again, or plays more.
//!
//! # How sharp it is
//!
//! Each gate was broken alone, and the seeds from 1 on were played:
//!
//! | broken | found by | with seed |
//! |---|---|---|
//! | removal gate 9, one per window | `one_removal_per_window` | 6 |
//! | release gate 1, one after another | `no_loss_by_release` | 9 |
//! | release gate 6, at rest | `no_loss_by_release` | 8 |
//! | strangers have no say | `one_cluster_in_the_end` | 1 |
//! | removal gate 2, every witness says absent | not found in one attempt of about a minute | - |
//! | removal gate 4, no member sees it alive | not found in one attempt of about a minute | - |
//!
//! Removal gate 2 has another behind it: a listed member is wanted, and gate 3
//! waits for a wanted member that is silent. And whoever is seen alive by one
//! who answers makes the members apart, or is asked itself. The unit tests of the core guard
//! both.

pub mod chance;
pub mod event;
pub mod invariants;
pub mod model;
pub mod net;
pub mod operator;
pub mod run;
pub mod setup;
pub mod story;
pub mod swarm;
pub mod witnesses;
pub mod worker;
pub mod world;

use std::net::IpAddr;

pub use run::{Failure, Summary, Told, run, run_many};

/// The address with this last byte.
pub fn address(last: u8) -> IpAddr {
    [10, 0, 0, last].into()
}

/// The last byte of this address.
pub fn last_byte(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(address) => address.octets()[3],
        IpAddr::V6(address) => address.octets()[15],
    }
}
