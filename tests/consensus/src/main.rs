//! Plays stories: `meshworker-consensus SEED RUNS [MUTATION]`, as `cargo xtask simulate` does,
//! with a rule left out where one is named.
#![allow(
    clippy::disallowed_types,
    reason = "how long the stories of virtual time took is told in real time"
)]

use std::process::ExitCode;
use std::time::Instant;

use meshworker_consensus::{Mutation, run_many};

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let named = |name: &String| Mutation::ALL.iter().find(|(known, _)| known == name);
    let mutation = arguments.last().and_then(named).map(|(_, one)| *one);
    arguments.truncate(arguments.len() - usize::from(mutation.is_some()));
    let numbers: Option<Vec<u64>> = arguments.iter().map(|n| n.parse().ok()).collect();
    let Some([seed, runs]) = numbers.as_deref() else {
        let mutations = Mutation::ALL.map(|(name, _)| name).join(" or ");
        eprintln!(
            "arguments: found {arguments:?}; allowed: the first seed, how many, and perhaps \
             {mutations}"
        );
        return ExitCode::from(2);
    };
    let began = Instant::now();
    let summary = run_many(*seed, *runs, mutation);
    println!(
        "workers: {summary}, in {:.1} s",
        began.elapsed().as_secs_f64()
    );
    match summary.failure {
        None => ExitCode::SUCCESS,
        Some(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}
