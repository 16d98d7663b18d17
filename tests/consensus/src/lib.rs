//! Workers in consensus: what several of them agree on, in a world that does its worst.
//!
//! The world moves in steps of ten milliseconds. Each machine has a clock of its own, whose
//! rate is wrong by up to a tenth. What is modelled is a swarm with left-over tasks, late
//! name servers, addresses that are given to somebody else, disks that lose what was not
//! synced, lossy and one-way networks, and pauses; the participants are the real ones.

mod chance;
mod disk;
mod invariants;
mod mutation;
mod operator;
mod process;
mod story;
mod swarm;
mod wires;
mod world;

pub use mutation::Mutation;
pub use world::{Told, World};

use crate::chance::Chance;

/// A promise that was broken.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The seed that shows it.
    pub seed: u64,
    /// The promise.
    pub invariant: &'static str,
    /// How it was broken.
    pub how: String,
    /// What led to it.
    pub story: Vec<String>,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Failure {
            seed,
            invariant,
            how,
            story,
        } = self;
        writeln!(f, "workers, seed {seed} broke {invariant}: {how}")?;
        for line in story {
            writeln!(f, "  {line}")?;
        }
        write!(
            f,
            "repeat it: cargo xtask simulate --database workers --seed {seed} --runs 1"
        )
    }
}

/// Plays the story of this seed.
///
/// # Errors
///
/// The first promise that was broken.
pub fn run(seed: u64, mutation: Option<Mutation>) -> Result<Told, Box<Failure>> {
    let mut world = World::new(Chance::of(seed), mutation);
    world.play().map_err(|(invariant, how)| {
        world.tell_states();
        Box::new(Failure {
            seed,
            invariant,
            how,
            story: world.story.lines().map(str::to_owned).collect(),
        })
    })
}
