//! One story, and many.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use meshworker_simulation::chance::Chance;

use crate::invariants::Broken;
use crate::mutation::Mutation;
use crate::scene;
use crate::world::{Told, World};

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

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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

impl std::error::Error for Failure {}

/// Plays the story of this seed, with a rule left out where one is named.
///
/// # Errors
///
/// The first promise that was broken; that no process breaks is one.
pub fn run(seed: u64, mutation: Option<Mutation>) -> Result<Told, Box<Failure>> {
    let world = World::new(Chance::of(seed), mutation);
    held(seed, world, World::play)
}

/// Plays a scene of which chance makes too few: whoever leads is heard by one of two, then by
/// nobody, and that one restarts.
///
/// # Errors
///
/// The first promise that was broken; that no process breaks is one.
pub fn blink(seed: u64, mutation: Option<Mutation>) -> Result<(), Box<Failure>> {
    let world = World::calm(Chance::of(seed), mutation);
    held(seed, world, scene::blink)
}

fn held<T>(
    seed: u64,
    mut world: World,
    play: impl FnOnce(&mut World) -> Result<T, Broken>,
) -> Result<T, Box<Failure>> {
    let played = catch_unwind(AssertUnwindSafe(|| play(&mut world)));
    let broke = || Err(("no_process_breaks", "one did, see above".to_owned()));
    played
        .unwrap_or_else(|_| broke())
        .map_err(|(invariant, how)| {
            world.tell_states();
            Box::new(Failure {
                seed,
                invariant,
                how,
                story: world.story.lines().map(str::to_owned).collect(),
            })
        })
}

/// Many stories together.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// How many stories were played.
    pub stories: u64,
    /// What they came to together; of what took time, the longest.
    pub told: Told,
    /// How many ended with what only a person can mend: most of the stores are gone.
    pub beyond_help: u64,
    /// In how many two groups had a say at once where nobody could know better.
    pub holes: u64,
    /// The failure with the lowest seed that was found.
    pub failure: Option<Box<Failure>>,
}

impl Summary {
    fn add(&mut self, told: &Told) {
        self.told.entries += told.entries;
        self.told.acts += told.acts;
        self.told.orders += told.orders;
        self.told.leaders += told.leaders;
        self.told.settled = self.told.settled.max(told.settled);
        self.beyond_help += u64::from(told.beyond_help);
        self.holes += u64::from(told.hole);
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} seeds, {} entries, {} acts, {} orders, {} leaders, all well at most {:.0} s after the last fault, \
             {} beyond help, {} with the one known hole",
            self.stories,
            self.told.entries,
            self.told.acts,
            self.told.orders,
            self.told.leaders,
            self.told.settled as f64 / 1e3,
            self.beyond_help,
            self.holes,
        )
    }
}

/// Plays the stories of `runs` seeds from `first` on, on all cores, until one fails.
pub fn run_many(first: u64, runs: u64, mutation: Option<Mutation>) -> Summary {
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
                    let told = run(first.wrapping_add(at), mutation);
                    let Ok(mut summary) = summary.lock() else {
                        break;
                    };
                    summary.stories += 1;
                    match told {
                        Ok(told) => summary.add(&told),
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
