//! A random mix of planned acts, while workers are killed again and again.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use meshworker_e2e::{Acts, RECORDS_VARIABLE};
use meshworker_lab::Stack;

use crate::{drain, scaling, update};

/// The seed of the mix; both were checked at the start.
const SEED_VARIABLE: &str = "MESHWORKER_SEED";
/// How many acts.
const ACTS_VARIABLE: &str = "MESHWORKER_ACTS";
/// So many acts, unless the environment says otherwise.
const ACTS: u64 = 40;
/// The worker lives for so many seconds, at least and at most.
const LIVES: (u64, u64) = (8, 40);

/// Random acts, reproducible by their seed.
pub fn forty_acts(acts: &mut Acts<'_>, members: usize) {
    let (seed, count) = (seed(), acts_of(ACTS));
    let name = acts.deployment.stack().name().to_owned();
    eprintln!("  {name}: {count} acts, {SEED_VARIABLE}={seed}");
    let swarm = acts.deployment.swarm;
    std::thread::scope(|scope| {
        let (stop, stopped) = channel::<()>();
        let killer = scope.spawn(move || {
            let stack = Stack::attach(swarm, &name);
            let mut random = Random(seed ^ 0xABCD);
            let mut killed = 0;
            let (least, most) = LIVES;
            loop {
                // The time is the scenario itself: a moment nobody chose.
                let life = Duration::from_secs(least + random.below(most - least));
                if stopped.recv_timeout(life) != Err(RecvTimeoutError::Timeout) {
                    return killed;
                }
                // It may be dead already, or between two lives.
                let running = stack.running("meshworker").unwrap_or_default();
                // One of them, whichever it is that acts, or all at the same moment.
                let choice = random.below(running.len() as u64 + 1);
                let all = choice == running.len() as u64;
                let chosen = running.iter().zip(0..);
                let chosen = chosen.filter(|(_, number)| all || *number == choice);
                killed += chosen
                    .filter(|(worker, _)| stack.kill_container(worker).is_ok())
                    .count();
            }
        });
        let mut random = Random(seed);
        let mut now = members;
        for _ in 0..count {
            now = one(acts, &mut random, now, members);
        }
        if now != members {
            scaling::scale(acts, now, members);
        }
        drop(stop);
        let killed = killer.join().unwrap_or_default();
        eprintln!("  the worker was killed {killed} times");
        // Fewer acts may be over before the first life is.
        assert!(killed > 0 || count < 8, "the worker was never killed");
    });
}

/// The seed of the mix: what the environment says, else another one each time.
pub fn seed() -> u64 {
    number(SEED_VARIABLE).ok().flatten().unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.map_or(1, |now| u64::from(now.subsec_nanos()))
    })
}

/// How many acts: what the environment says, else so many.
pub fn acts_of(usual: u64) -> u64 {
    number(ACTS_VARIABLE).ok().flatten().unwrap_or(usual)
}

/// One act; returns the new number of members.
fn one(acts: &mut Acts<'_>, random: &mut Random, now: usize, most: usize) -> usize {
    match random.below(10) {
        0 => update::update(acts, now),
        1 => drain::drain(acts, now),
        _ => {
            let choices = (scaling::FEWEST..=most).filter(|size| *size != now);
            let choices: Vec<usize> = choices.collect();
            let at = random.below(choices.len() as u64);
            let to = choices[usize::try_from(at).unwrap_or(0)];
            scaling::scale(acts, now, to);
            return to;
        }
    }
    now
}

/// Whether what the environment says can be used.
///
/// # Errors
///
/// The variable, what it is, and what it should be.
pub fn check_environment() -> Result<(), String> {
    for variable in [SEED_VARIABLE, ACTS_VARIABLE, RECORDS_VARIABLE] {
        number(variable)?;
    }
    Ok(())
}

fn number(variable: &str) -> Result<Option<u64>, String> {
    let Ok(text) = std::env::var(variable) else {
        return Ok(None);
    };
    let number = text.parse();
    number
        .map(Some)
        .map_err(|_| format!("{variable} is `{text}`: a number is needed"))
}

/// A stream of numbers that follows from its seed (splitmix64).
pub struct Random(pub u64);

impl Random {
    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (x ^ (x >> 31)) % end
    }
}
