//! The whole decide loop against models of the world, in virtual time.
//!
//! ```text
//! Operator ──> Swarm ──> tasks, supervisors ──┐
//!     │          │                            │ announcements, verdicts
//!     │       witnesses (they lie)            v
//!     └──> Net    └──────────────────────> Worker: look, decide, act
//!          └──> Model: Aerospike, Redis <── requests ──┘
//! ```
//!
//! A story is drawn from a seed: what kind of world it is, what operators do
//! and what breaks, how each witness lies, when each worker is killed. The
//! world moves in steps of a tenth of a second, and every promise under
//! [`invariants`] is checked after each of them. When nothing breaks any more,
//! one cluster of exactly the wanted members must come of it, unless data is
//! gone with whoever held it alone: then only a person can say so.
//!
//! The decision and the planners are the real ones, called as the daemon calls
//! them. What is modelled is the rest: the databases behind [`Model`], a swarm
//! with the times of a real one, and members whose supervisors wait for the
//! workers' word.
//!
//! | database | what is modelled | what is not |
//! |---|---|---|
//! | [`Aerospike`] | tips and seeds, cluster keys, alumni, 24 units in two copies in memory, migrations, quiescing in Enterprise Edition, at most 8 nodes in Community Edition | files, racks, a mesh of more than 8 |
//! | [`Redis`] | `CLUSTER NODES` as text, gossip, epochs, 16384 slots and 64 keys, moves one exchange at a time, failure by majority, fail-over, copies, bans after `FORGET`, directories that outlive containers | replication lag, keys of different sizes, two versions |
//!
//! The engines' I/O is not run: what it asks a node before a request, the models
//! ask as well (`redis::moves` is `migrate` in small).
//!
//! A failure prints its seed and its story. `cargo xtask simulate --database D
//! --seed S --runs N` plays it again, or plays more.
//!
//! # How sharp it is
//!
//! Each gate was broken alone, before the databases' own planners were in it, and the
//! seeds from 1 on were played:
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
//! With the databases' own planners in it, two faults that nobody had put there were
//! found:
//!
//! | fault | found by | with |
//! |---|---|---|
//! | the first slots were dealt out while a member that waited to leave had data of them | `assigns_no_data_away` | redis, seed 5 |
//! | a successor that runs already was counted twice among those that stay | `never_below_floor` | aerospike, seed 323 |
//! | a peer that left between the look and the reset was forgotten with the others | `one_removal_per_window` | aerospike, seed 519 |
//! | members that the task list alone names were quiesced, whatever stays, by a worker that had just started | `nothing_taken_in_vain` | aerospike, seed 432 |
//! | whoever the database only suspects was not missed when all others go | `never_below_floor` | redis, seed 270 |
//! | slots were dealt out again that a member had which had just been given them and was silent | `assigns_no_data_away`, `never_erases` | redis, seeds 329, 527 |
//! | one that ran beside another in its slot was forgotten at once | `never_forgets_the_living` | redis, seed 751 |
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

pub use model::Model;
pub use model::aerospike::Aerospike;
pub use model::redis::Redis;
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
