//! Plays stories: `meshworker-consensus SEED RUNS [MUTATION]`.
use std::process::ExitCode;
use std::time::Instant;

use meshworker_consensus::{Mutation, Told, run};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let seed: u64 = arguments[0].parse().unwrap();
    let runs: u64 = arguments[1].parse().unwrap();
    let mutation = arguments
        .get(2)
        .and_then(|name| Mutation::ALL.iter().find(|(n, _)| n == name))
        .map(|(_, m)| *m);
    let began = Instant::now();
    let (mut broken, mut total) = (0, Told::default());
    let (mut helpless, mut slowest, mut holes) = (0, 0, 0);
    for seed in seed..seed + runs {
        let played = std::panic::catch_unwind(|| run(seed, mutation));
        let Ok(played) = played else {
            broken += 1;
            eprintln!("seed {seed} broke a process");
            if mutation.is_some() {
                break;
            }
            continue;
        };
        match played {
            Ok(told) => {
                total.entries += told.entries;
                total.acts += told.acts;
                total.orders += told.orders;
                total.leaders += told.leaders;
                slowest = slowest.max(told.settled);
                holes += u64::from(told.hole);
                helpless += u64::from(told.beyond_help);
            }
            Err(failure) => {
                broken += 1;
                if runs == 1 {
                    eprintln!("{failure}");
                } else {
                    eprintln!(
                        "seed {} broke {}: {}",
                        failure.seed, failure.invariant, failure.how
                    );
                }
                if mutation.is_some() {
                    break;
                }
            }
        }
    }
    println!(
        "{runs} stories, {broken} broken, {helpless} beyond help, {holes} holes, slowest {slowest} ms, {total:?}, in {:.1} s",
        began.elapsed().as_secs_f64()
    );
    ExitCode::SUCCESS
}
