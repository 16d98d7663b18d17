//! The whole decide loop against models of the world, in virtual time.
//!
//! ```text
//! Operator ──> Swarm ──> tasks, supervisors ──┐
//!     │          │                            │ announcements, verdicts
//!     │       witnesses (they lie)            v
//!     └──> Net    └──────────────────────> Worker: look, decide, act
//!          └──> Model: a database   <── requests ──┘
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
//! | [`Allegrograph`] | one controlling server with a volume, copies without; what each knows of the cluster, data that is copied for as long as it takes, instances that were taken out | replies that are lost, statuses that say less, an operator's orders |
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
//! Old faults can be put back, each alone ([`relapse`]), in a kind of world in which they
//! show. `tests/relapses.rs` does so, and plays the same stories without them:
//!
//! | put back | found by | after so many stories |
//! |---|---|---|
//! | two workers move one slot to two targets | `never_erases` | 2 |
//! | empty members are given all slots before those with data are up | `assigns_no_data_away` | 1 |
//! | a member whose engine died is taken for one that goes, and holds every leaver up | `nobody_waits_in_vain` | 8 |
//! | half of the members, behind a cut, are forgotten one by one | `never_forgets_the_living` | 1 |
//! | members that must stay hand over what they hold | `nothing_taken_in_vain` | 5 |
//!
//! `meshworker-simulation redis 1 100 two-targets` plays them by hand.
//!
//! These were found that nobody had put there:
//!
//! | fault | found by | with |
//! |---|---|---|
//! | the first slots were dealt out while a member that waited to leave had data of them | `assigns_no_data_away` | redis |
//! | a successor that runs already was counted twice among those that stay | `never_below_floor` | aerospike |
//! | a peer that left between the look and the reset was forgotten with the others | `one_removal_per_window` | aerospike |
//! | members that the task list alone names were quiesced, whatever stays, by a worker that had just started | `nothing_taken_in_vain` | aerospike |
//! | the same, when a worker reached them again after a while | `nothing_taken_in_vain` | aerospike |
//! | whoever the database only suspects was not missed when all others go | `never_below_floor` | redis |
//! | slots were dealt out again that a member had which had just been given them and was silent | `assigns_no_data_away`, `never_erases` | redis |
//! | one that ran beside another in its slot was forgotten at once | `never_forgets_the_living` | redis |
//! | one that went for good beside an outsider was taken for one that comes back | `never_below_floor` | aerospike |
//! | one worker took the last slot of a member to which another one moved keys: it became a replica without them | `never_erases` | redis |
//! | empty members of a cluster that goes were let go because a new one did not know them | `never_below_floor` | redis |
//! | a worker that had just started dealt out what members had that waited to leave | `assigns_no_data_away` | redis |
//! | half of the members were beyond a cut before the database had met them, and were forgotten one by one | `never_forgets_the_living` | aerospike |
//! | the next member at an address was taken for the one that had been let go there | `nobody_waits_in_vain` | aerospike |
//! | one that had given way to another waited on when that was gone | `nobody_waits_in_vain` | aerospike |
//! | whom only members that go remembered was not missed when all that were seen went | `never_below_floor` | aerospike |
//! | nor were those with lower numbers, of whom a restarted worker had never heard | `never_below_floor` | aerospike |
//! | as many places were to be filled as members left, and one of these had none of them | `never_below_floor`, `nothing_taken_in_vain` | aerospike |
//! | a successor was said to go by whoever had its address before | `never_below_floor` | aerospike |
//! | one out of sight counted among those that stay before its supervisor was heard | `nothing_taken_in_vain` | aerospike |
//! | the successor of one that is lost was taken for one that waits for it | `never_below_floor` | aerospike |
//! | others went with an only one whose successor was out of reach, as if all went | `never_below_floor` | aerospike |
//! | nobody owned a slot that two masters each held the other to own | `one_cluster_in_the_end` | redis |
//! | one that had told of itself, and was cut off before it answered, was not missed where a stranger was under our name | `never_below_floor` | redis |
//!
//! Removal gates 2 and 4 have others behind them, and no story showed them missing: a
//! listed member is wanted, and gate 3 waits for a wanted member that is silent; whoever
//! is seen alive by one who answers makes the members apart, or is asked itself. The unit
//! tests of the core guard both.

use std::net::IpAddr;

use meshworker_core::Place;
pub mod chance;
pub mod event;
pub mod invariants;
pub mod model;
pub mod net;
pub mod operator;
pub mod relapse;
pub mod run;
pub mod setup;
pub mod story;
pub mod swarm;
pub mod witnesses;
pub mod worker;
pub mod world;

pub use model::Model;
pub use model::aerospike::Aerospike;
pub use model::allegrograph::Allegrograph;
pub use model::redis::Redis;
pub use relapse::Relapse;
pub use run::{Change, Failure, Summary, Told, run, run_many};
pub use setup::{Setup, Trouble};

/// The address with this last byte.
pub fn address(last: u8) -> Place {
    [10, 0, 0, last].into()
}

/// The last byte of this address.
pub fn last_byte(address: Place) -> u8 {
    match address.address {
        IpAddr::V4(address) => address.octets()[3],
        IpAddr::V6(address) => address.octets()[15],
    }
}
