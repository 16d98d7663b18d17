//! Plays stories: `meshworker-simulation DATABASE SEED RUNS [RELAPSE]`, as `cargo xtask
//! simulate` does, with an old fault put back where one is named.
#![allow(
    clippy::disallowed_types,
    reason = "how long the stories of virtual time took is told in real time"
)]

use std::process::ExitCode;
use std::time::Instant;

use meshworker_simulation::{
    Aerospike, Allegrograph, Change, Model, Redis, Relapse, Setup, Summary, run_many,
};

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
        "all" => None,
        name if ALL.iter().any(|(known, _)| *known == name) => Some(name),
        _ => return refuse(&arguments),
    };
    for (name, run) in ALL
        .into_iter()
        .filter(|(name, _)| play.is_none_or(|play| play == *name))
    {
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

const ALL: [(&str, Play); 3] = [
    (Aerospike::NAME, run_many::<Aerospike>),
    (Allegrograph::NAME, run_many::<Allegrograph>),
    (Redis::NAME, run_many::<Redis>),
];

fn refuse(arguments: &[String]) -> ExitCode {
    let databases = ALL.map(|(name, _)| name).join(" or ");
    let relapses = Relapse::ALL.map(|(name, _)| name).join(" or ");
    eprintln!(
        "arguments: found {arguments:?}; allowed: {databases} or all, the first seed, how many, and \
         perhaps {relapses}"
    );
    ExitCode::from(2)
}
