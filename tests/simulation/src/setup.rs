//! What kind of world a story is played in.

use crate::chance::Chance;
use crate::relapse::Relapse;

/// What happens more often in a story than in others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The engine of a host dies while its containers run on, and others leave.
    DeadEngine,
    /// A worker does not reach everybody while members come and go.
    TwoMinds,
    /// The power fails, and the first host that is back has lost its disk.
    LostDisk,
    /// Half of the members, or nearly, are beyond a cut.
    Half,
    /// The service is set to fewer members than must stay, for a while.
    TooFew,
}

/// What kind of world a story is played in. Drawn from the seed.
#[derive(Debug, Clone)]
pub struct Setup {
    /// How many swarm nodes carry members.
    pub hosts: usize,
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
    /// What happens more often than anything else.
    pub trouble: Option<Trouble>,
    /// In how many of a hundred acts it happens.
    pub share: u64,
    /// Whether the name server lists a member of another cluster all the time.
    pub squatter: bool,
    /// Whether anything but the operators' acts happens: crashes, cuts, lies.
    pub faults: bool,
    /// Operators and faults act until then, in milliseconds.
    pub quiet_from: u64,
    /// An act follows another after so many milliseconds at the most.
    pub haste: u64,
    /// A fault that was mended and is back. Never drawn.
    pub relapse: Option<Relapse>,
}

impl Setup {
    /// The world of this chance.
    pub fn draw(chance: &mut Chance) -> Setup {
        let supervised = chance.percent(80);
        let faults = chance.percent(75);
        Setup {
            hosts: chance.between(2, 4) as usize,
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
            trouble: Trouble::draw(chance, supervised, faults),
            share: 40,
            squatter: chance.percent(20),
            faults,
            quiet_from: chance.between(30, 110) * 1_000,
            haste: chance.between(3, 30) * 1_000,
            relapse: None,
        }
    }
}

impl Trouble {
    /// Half of the stories have one.
    fn draw(chance: &mut Chance, supervised: bool, faults: bool) -> Option<Trouble> {
        let trouble = chance.pick(&[
            Trouble::DeadEngine,
            Trouble::TwoMinds,
            Trouble::LostDisk,
            Trouble::Half,
            Trouble::TooFew,
        ])?;
        let is_possible = match trouble {
            Trouble::DeadEngine => supervised,
            Trouble::TooFew => true,
            Trouble::TwoMinds | Trouble::LostDisk | Trouble::Half => faults,
        };
        (chance.percent(50) && is_possible).then_some(trouble)
    }
}
