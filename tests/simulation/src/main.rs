//! Plays stories: `meshworker-simulation SEED RUNS`, as `cargo xtask simulate` does.
#![allow(
    clippy::disallowed_types,
    reason = "how long the stories of virtual time took is told in real time"
)]

use std::process::ExitCode;
use std::time::Instant;

use meshworker_simulation::run_many;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let numbers: Option<Vec<u64>> = arguments.iter().map(|text| text.parse().ok()).collect();
    let Some([seed, runs]) = numbers.as_deref() else {
        eprintln!("arguments: found {arguments:?}; allowed: the first seed, and how many");
        return ExitCode::from(2);
    };
    let began = Instant::now();
    let summary = run_many(*seed, *runs);
    println!("{summary}, in {:.1} s", began.elapsed().as_secs_f64());
    match summary.failure {
        Some(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
        None => ExitCode::SUCCESS,
    }
}
