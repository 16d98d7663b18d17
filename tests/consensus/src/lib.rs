//! Workers in consensus: what several of them agree on, in a world that does its worst.
//!
//! The world moves in steps of ten milliseconds. Each machine has a clock of its own, whose
//! rate is wrong by up to a tenth. What is modelled is a swarm with left-over tasks, late
//! name servers, addresses that are given to somebody else, disks that lose what was not
//! synced, lossy and one-way networks, and pauses; the participants are the real ones.

mod disk;
mod invariants;
mod mutation;
mod operator;
mod process;
mod run;
mod scene;
mod swarm;
mod wires;
mod world;

pub use mutation::Mutation;
pub use run::{Failure, Summary, blink, run, run_many};
pub use world::{Told, World};
