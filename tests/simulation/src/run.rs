//! One story, and many.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::chance::Chance;
use crate::invariants::{Broken, Removals, check, missing};
use crate::model::Model;
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
/// What nobody but a person can mend must last for so long.
const HELPLESS: u64 = 60_000;

/// What a story came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Told {
    /// How many passes the workers made.
    pub passes: u64,
    /// How long it was, in milliseconds of its own time.
    pub lasted: u64,
    /// How long it took until all was well, from when it became quiet.
    pub settled: u64,
    /// Whether it ended with what only a person can mend.
    pub beyond_help: bool,
}

/// A promise that was broken.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The database.
    pub database: &'static str,
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
            database,
            seed,
            invariant,
            how,
            setup,
            story,
        } = self;
        writeln!(f, "{database}, seed {seed} broke {invariant}: {how}")?;
        writeln!(f, "  in {setup:?}")?;
        for line in story {
            writeln!(f, "  {line}")?;
        }
        write!(
            f,
            "repeat it: cargo xtask simulate --database {database} --seed {seed} --runs 1"
        )
    }
}

impl std::error::Error for Failure {}

/// What is different in a world from what its seed drew.
pub type Change = dyn Fn(&mut Setup) + Sync;

/// Plays the story of this seed, in a world that is changed like this.
///
/// # Errors
///
/// The first promise that was broken.
pub fn run<M: Model>(seed: u64, change: &Change) -> Result<Told, Box<Failure>> {
    let mut chance = Chance::of(seed);
    let mut setup = Setup::draw(&mut chance);
    change(&mut setup);
    M::fit(&mut setup);
    let mut world: World<M> = World::new(setup, chance);
    play(&mut world).map_err(|(invariant, how)| {
        world.tell_who_is_there();
        for worker in &world.workers {
            for said in &worker.said {
                let said = format_args!("worker {} says: {said}", worker.number);
                world.story.tell(world.now, said);
            }
        }
        Box::new(Failure {
            database: M::NAME,
            seed,
            invariant,
            how,
            setup: world.setup.clone(),
            story: world.story.lines().map(str::to_owned).collect(),
        })
    })
}

fn play<M: Model>(world: &mut World<M>) -> Result<Told, Broken> {
    let mut operator = Operator::default();
    let mut removals = Removals::default();
    let quiet = world.setup.quiet_from;
    let (mut whole_since, mut helpless_since) = (None, None);
    let told = |world: &World<M>, settled, beyond_help| Told {
        passes: world.workers.iter().map(|w| w.passes).sum(),
        lasted: world.now,
        settled,
        beyond_help,
    };
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
                        return Ok(told(world, since - quiet, false));
                    }
                }
                Some(what) => {
                    whole_since = None;
                    if !world.database.is_beyond_help() {
                        helpless_since = None;
                    } else if world.now >= *helpless_since.get_or_insert(world.now) + HELPLESS {
                        return Ok(told(world, 0, true));
                    }
                    if world.now >= quiet + BOUND.max(10 * world.setup.grace) {
                        return Err(("one_cluster_in_the_end", what));
                    }
                }
            }
        }
        world.now += TICK;
    }
}

fn check_all<M: Model>(world: &mut World<M>, removals: &mut Removals) -> Result<(), Broken> {
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
    /// How many ended with what only a person can mend: data is gone, by faults.
    pub beyond_help: u64,
    /// The failure with the lowest seed that was found.
    pub failure: Option<Box<Failure>>,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} seeds, {} passes, {:.0} h of virtual time, all well at most {:.0} s after the last fault, \
             {} beyond help",
            self.stories,
            self.passes,
            self.lasted as f64 / 3.6e6,
            self.slowest as f64 / 1e3,
            self.beyond_help,
        )
    }
}

/// Plays the stories of `runs` seeds from `first` on, on all cores, until one
/// fails.
pub fn run_many<M: Model>(first: u64, runs: u64, change: &Change) -> Summary {
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
                    let told = run::<M>(first.wrapping_add(at), change);
                    let Ok(mut summary) = summary.lock() else {
                        break;
                    };
                    summary.stories += 1;
                    match told {
                        Ok(told) => {
                            summary.passes += told.passes;
                            summary.lasted += told.lasted;
                            summary.slowest = summary.slowest.max(told.settled);
                            summary.beyond_help += u64::from(told.beyond_help);
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
