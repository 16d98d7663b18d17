//! One story, and many.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::chance::Chance;
use crate::invariants::{Broken, Removals, check, missing};
use crate::operator::Operator;
use crate::setup::Setup;
use crate::worker;
use crate::world::World;

/// The world moves in steps of so many milliseconds.
const TICK: u64 = 100;
/// Once it is quiet, the cluster must be whole within this time. The grace
/// period of a member that may not go is part of it, and an update's patience
/// for each slot.
const BOUND: u64 = 600_000;

/// What a story came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Told {
    /// How many passes the workers made.
    pub passes: u64,
    /// How long it was, in milliseconds of its own time.
    pub lasted: u64,
    /// How long it took until all was well, from when it became quiet.
    pub settled: u64,
}

/// A promise that was broken.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The seed that shows it.
    pub seed: u64,
    /// The promise.
    pub invariant: &'static str,
    /// How it was broken.
    pub how: String,
    /// The kind of world.
    pub setup: Setup,
    /// What led to it.
    pub story: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure {
            seed,
            invariant,
            how,
            setup,
            story,
        } = self;
        writeln!(f, "seed {seed} broke {invariant}: {how}")?;
        writeln!(f, "  in {setup:?}")?;
        for line in story {
            writeln!(f, "  {line}")?;
        }
        write!(f, "repeat it: cargo xtask simulate --seed {seed} --runs 1")
    }
}

impl std::error::Error for Failure {}

/// Plays the story of this seed.
///
/// # Errors
///
/// The first promise that was broken.
pub fn run(seed: u64) -> Result<Told, Box<Failure>> {
    let mut chance = Chance::of(seed);
    let setup = Setup::draw(&mut chance);
    let mut world = World::new(setup, chance);
    play(&mut world).map_err(|(invariant, how)| {
        Box::new(Failure {
            seed,
            invariant,
            how,
            setup: world.setup.clone(),
            story: world.story.lines().map(str::to_owned).collect(),
        })
    })
}

fn play(world: &mut World) -> Result<Told, Broken> {
    let mut operator = Operator::default();
    let mut removals = Removals::default();
    let quiet = world.setup.quiet_from;
    let mut whole_since = None;
    loop {
        operator.tick(world);
        world.tick();
        check_all(world, &mut removals)?;
        for number in 0..world.workers.len() {
            worker::tick(world, number);
            check_all(world, &mut removals)?;
        }
        if world.now >= quiet {
            let missing = missing(world);
            match missing {
                None => {
                    let since = *whole_since.get_or_insert(world.now);
                    // It stays so.
                    if world.now >= since + 5_000 {
                        return Ok(Told {
                            passes: world.workers.iter().map(|w| w.passes).sum(),
                            lasted: world.now,
                            settled: since - quiet,
                        });
                    }
                }
                Some(what) => {
                    whole_since = None;
                    if world.now >= quiet + BOUND {
                        return Err(("one_cluster_in_the_end", what));
                    }
                }
            }
        }
        world.now += TICK;
    }
}

fn check_all(world: &mut World, removals: &mut Removals) -> Result<(), Broken> {
    let events = std::mem::take(&mut world.events);
    events
        .iter()
        .try_for_each(|event| check(world, event, removals))
}

/// Many stories together.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// How many stories were played.
    pub stories: u64,
    /// How many passes the workers made in all of them.
    pub passes: u64,
    /// How long they were together, in milliseconds of their own time.
    pub lasted: u64,
    /// The longest time that it took until all was well, in milliseconds.
    pub slowest: u64,
    /// The failure with the lowest seed that was found.
    pub failure: Option<Box<Failure>>,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} seeds, {} passes, {:.0} h of virtual time, all well at most {:.0} s after the last fault",
            self.stories,
            self.passes,
            self.lasted as f64 / 3.6e6,
            self.slowest as f64 / 1e3,
        )
    }
}

/// Plays the stories of `runs` seeds from `first` on, on all cores, until one
/// fails.
pub fn run_many(first: u64, runs: u64) -> Summary {
    let next = AtomicU64::new(0);
    let summary = Mutex::new(Summary::default());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= runs {
                        break;
                    }
                    let told = run(first.wrapping_add(at));
                    let Ok(mut summary) = summary.lock() else {
                        break;
                    };
                    summary.stories += 1;
                    match told {
                        Ok(told) => {
                            summary.passes += told.passes;
                            summary.lasted += told.lasted;
                            summary.slowest = summary.slowest.max(told.settled);
                        }
                        Err(failure) => {
                            // Those that have begun are played to their end.
                            next.store(runs, Ordering::Relaxed);
                            let lowest = summary.failure.as_ref().map(|f| f.seed);
                            if lowest.is_none_or(|lowest| failure.seed < lowest) {
                                summary.failure = Some(failure);
                            }
                        }
                    }
                }
            });
        }
    });
    summary.into_inner().unwrap_or_default()
}
