//! Plays stories: `meshworker-simulation DATABASE SEED RUNS [RELAPSE]`, as `cargo xtask
//! simulate` does, with an old fault put back where one is named.
#![allow(
    clippy::disallowed_types,
    reason = "how long the stories of virtual time took is told in real time"
)]

use std::process::ExitCode;
use std::time::Instant;

use meshworker_simulation::{Aerospike, Change, Model, Redis, Relapse, Setup, Summary, run_many};

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let named = |name: &String| Relapse::ALL.iter().find(|(known, _)| known == name);
    let relapse = arguments
        .last()
        .and_then(named)
        .map(|(_, relapse)| *relapse);
    arguments.truncate(arguments.len() - usize::from(relapse.is_some()));
    let change = move |setup: &mut Setup| relapse.iter().for_each(|old| old.put_back(setup));
    let numbers: Option<Vec<u64>> = arguments.iter().skip(1).map(|n| n.parse().ok()).collect();
    let (Some(database), Some([seed, runs])) = (arguments.first(), numbers.as_deref()) else {
        return refuse(&arguments);
    };
    let play = match database.as_str() {
        Aerospike::NAME => [true, false],
        Redis::NAME => [false, true],
        "all" => [true, true],
        _ => return refuse(&arguments),
    };
    let all: [(&str, Play); 2] = [
        (Aerospike::NAME, run_many::<Aerospike>),
        (Redis::NAME, run_many::<Redis>),
    ];
    for ((name, run), _) in all.into_iter().zip(play).filter(|(_, play)| *play) {
        let began = Instant::now();
        let summary = run(*seed, *runs, &change);
        println!(
            "{name}: {summary}, in {:.1} s",
            began.elapsed().as_secs_f64()
        );
        if let Some(failure) = summary.failure {
            eprintln!("{failure}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Plays stories of one database.
type Play = fn(u64, u64, &Change) -> Summary;

fn refuse(arguments: &[String]) -> ExitCode {
    let databases = [Aerospike::NAME, Redis::NAME, "all"].join(" or ");
    let relapses = Relapse::ALL.map(|(name, _)| name).join(" or ");
    eprintln!(
        "arguments: found {arguments:?}; allowed: {databases}, the first seed, how many, and \
         perhaps {relapses}"
    );
    ExitCode::from(2)
}
