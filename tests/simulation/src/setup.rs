//! What kind of world a story is played in.

use crate::chance::Chance;

/// What kind of world a story is played in. Drawn from the seed.
#[derive(Debug, Clone)]
pub struct Setup {
    /// How many workers there are, 1 or 2.
    pub workers: usize,
    /// How many members there are to begin with.
    pub replicas: u64,
    /// Whether the members run under a supervisor, which announces them and
    /// waits until they may stop.
    pub supervised: bool,
    /// How long a member may take to stop, in milliseconds.
    pub grace: u64,
    /// Whether the workers read the task list.
    pub docker: bool,
    /// Whether a member can hand over what it holds before it stops.
    pub hands_over: bool,
    /// How many replicas each Redis master has.
    pub replicas_per_master: u64,
    /// Whether a Redis member finds its data again where it starts on the same host.
    pub volumes: bool,
    /// Whether a Redis master that gave its last slot away becomes a replica.
    pub migration: bool,
    /// Whether the engines of hosts die while their containers run on.
    pub headless: bool,
    /// Whether the name server lists a member of another cluster all the time.
    pub squatter: bool,
    /// Whether anything but the operators' acts happens: crashes, cuts, lies.
    pub faults: bool,
    /// Operators and faults act until then, in milliseconds.
    pub quiet_from: u64,
    /// An act follows another after so many milliseconds at the most.
    pub haste: u64,
}

impl Setup {
    /// The world of this chance.
    pub fn draw(chance: &mut Chance) -> Setup {
        let supervised = chance.percent(80);
        let faults = chance.percent(75);
        Setup {
            workers: if chance.percent(50) { 2 } else { 1 },
            replicas: chance.between(3, 6),
            supervised,
            grace: if supervised {
                chance.between(60, 180) * 1_000
            } else {
                chance.between(1, 10) * 1_000
            },
            docker: chance.percent(60),
            hands_over: chance.percent(40),
            replicas_per_master: chance.between(0, 2),
            volumes: chance.percent(60),
            migration: chance.percent(30),
            headless: supervised && chance.percent(if faults { 15 } else { 30 }),
            squatter: chance.percent(20),
            faults,
            quiet_from: chance.between(30, 110) * 1_000,
            haste: chance.between(3, 30) * 1_000,
        }
    }
}
