//! `cargo xtask test`: everything that must pass.
//!
//! What takes its time and no processor (packages, a base image) is brought in while the compiler works, and so nothing
//! waits for it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;
use meshworker_lab::images::{BINARIES_VARIABLE, Finish, Image, prepare_base};
use meshworker_lab::{E2E_VARIABLE, Host, LAB_VARIABLE, Swarm, SwarmOptions, sweep};
use meshworker_needs::REQUIRED;

use crate::stage::{Beside, Stages, beside};
use crate::suite::{self, Built, Case, LANES, Lane, Pool, Tally, Tier, sandbox};
use crate::{docs, images, lint, promtool, simulate, tools, workspace};

/// How many nodes the stories' swarm has.
const NODES: usize = 3;

/// How many records the loaded databases of the gate's stories have: a loss shows among thousands as well. In the long
/// tier there are twenty thousand.
const RECORDS: (&str, &str) = ("MESHWORKER_RECORDS", "4000");

/// How many simulated stories of each database the long tier plays.
const STORIES: u64 = 100_000;

/// Which tests.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// Further what takes long: for nights and releases
    #[arg(long)]
    all: bool,
    /// Leave out what needs root and a lab
    #[arg(long)]
    no_e2e: bool,
}

impl TestArgs {
    fn tier(&self) -> Tier {
        if self.all { Tier::All } else { Tier::Gate }
    }
}

/// Runs all stages, sums up and cleans up, whatever came of them.
pub fn run(args: &TestArgs) -> Result<()> {
    let mut stages = Stages::default();
    let mut tally = Tally::default();
    let result = run_stages(&mut stages, args, &mut tally);
    // What a test program could not remove because it was killed.
    let swept = sweep().map(|labs| {
        for lab in labs {
            eprintln!("removed a lab that a test left behind: {}", lab.display());
        }
    });
    stages.print_summary();
    let kept = stages.write(&target().join("stages.json"), &tally.slowest());
    println!("{}", tally.summary());
    // The first of these is what went wrong; the others may come of it.
    result.and(Ok(swept?)).and(kept)
}

fn run_stages(stages: &mut Stages, args: &TestArgs, tally: &mut Tally) -> Result<()> {
    let (built, prepared) = std::thread::scope(|scope| {
        let prepared = scope.spawn(|| beside("prepare", || prepare(args)));
        let built = build(stages);
        (built, prepared.join())
    });
    let prepared: Beside<PathBuf> = prepared.map_err(|_| anyhow::anyhow!("preparing broke"))?;
    let promtool = stages.join(prepared);
    let (built, promtool) = (built?, promtool?);
    // From here on everything is tried, and the first that failed is told in the end.
    let mut results = vec![test(stages, args, &built, tally)];
    let mut doc = suite::cargo()?;
    doc.args(["test", "--quiet", "--workspace", "--doc"]);
    results.push(stages.command("examples", &mut doc));
    results.push(promtool::check(stages, &promtool));
    if args.all {
        if !args.no_e2e {
            results.push(demo(stages));
        }
        results.push(simulation(stages));
        results.push(rustdoc(stages));
        results.push(lint::run_stages(stages));
        results.push(docs::run_stages(stages));
    }
    results.into_iter().collect()
}

/// Brings in what this machine lacks, and returns where promtool is.
fn prepare(args: &TestArgs) -> Result<PathBuf> {
    Host::prepare_for_tests()?;
    if !args.no_e2e {
        Host::prepare()?;
        prepare_base(&workspace::root())?;
    }
    promtool::fetch()
}

fn build(stages: &mut Stages) -> Result<Built> {
    let mut fmt = workspace::cargo();
    stages.command("fmt", fmt.args(["fmt", "--all", "--", "--check"]))?;
    stages.step("build", |_| suite::build())
}

/// Runs all tests of the tier.
fn test(stages: &mut Stages, args: &TestArgs, built: &Built, tally: &mut Tally) -> Result<()> {
    stages.step("sandbox", |_| sandbox::check())?;
    let cases = stages.step("list", |_| {
        let cases: Result<Vec<Vec<Case>>> = built.programs.iter().map(|one| one.cases()).collect();
        let mut cases = cases?.concat();
        // What waits for servers and timers begins first; what takes no time fits beside it.
        cases.sort_by_key(|case| case.program.is_unit());
        Ok(cases)
    })?;
    let skipped = cases.iter().filter(|case| !case.is_in(args.tier()));
    tally.leave_out(skipped.filter(|case| !Lane::of(case).is_whole).count());
    let lanes: Vec<(Lane, Vec<Case>)> = LANES
        .iter()
        .map(|lane| {
            let own = cases.iter().filter(|case| Lane::of(case) == *lane);
            (*lane, own.cloned().collect())
        })
        .collect();
    if args.no_e2e {
        let on_labs = cases.iter().filter(|case| case.is_in(args.tier()));
        tally.leave_out(on_labs.filter(|case| !Lane::of(case).is_sandboxed).count());
    }
    let (on_labs, others): (Vec<_>, Vec<_>) =
        lanes.into_iter().partition(|(lane, _)| !lane.is_sandboxed);
    let mut variables = vec![
        (REQUIRED.to_owned(), "1".to_owned()),
        (
            BINARIES_VARIABLE.to_owned(),
            built.binaries.display().to_string(),
        ),
    ];
    // Without a tool, the tests that need it fail, and all others run.
    let tools = stages.step("tools", |_| outside(args.all));
    let tools = tools.map(|tools| variables.extend(tools));
    if !args.all {
        variables.push((RECORDS.0.to_owned(), RECORDS.1.to_owned()));
    }
    let (unit, swarm) = std::thread::scope(|scope| {
        let start = || scope.spawn(|| beside("images", || start(built)));
        let swarm = (!args.no_e2e).then(start);
        let unit = stages.step("unit", |closings| {
            perform(args, variables.clone(), &others, tally, closings)
        });
        (unit, swarm.map(std::thread::ScopedJoinHandle::join))
    });
    let unit = tools.and(unit);
    let Some(swarm) = swarm else {
        return unit;
    };
    let swarm = swarm.map_err(|_| anyhow::anyhow!("starting a swarm broke"))?;
    let swarm = match stages.join(swarm) {
        Ok(swarm) => swarm,
        Err(error) => {
            let (_, cases): (Vec<_>, Vec<_>) = on_labs.into_iter().unzip();
            let stories = cases
                .iter()
                .flatten()
                .filter(|case| case.is_in(args.tier()));
            tally.could_not_run(stories.count());
            return unit.and(Err(error));
        }
    };
    variables.push((E2E_VARIABLE.to_owned(), "1".to_owned()));
    variables.push((LAB_VARIABLE.to_owned(), swarm.name()));
    let stories = stages.step("stories", |closings| {
        perform(args, variables, &on_labs, tally, closings)
    });
    let down = stages.step("lab down", |_| Ok(swarm.down()?));
    unit.and(stories).and(down)
}

/// Starts the stories' swarm, with images of what was built.
fn start(built: &Built) -> Result<Swarm> {
    let finish = Finish::Built(built.binaries.clone());
    Ok(Swarm::start_with(&SwarmOptions {
        images: Some(images::build_as(&Image::ALL, finish)?),
        ..SwarmOptions::new(NODES, 1)
    })?)
}

/// Runs the tests of these lanes, and fails if one of them did.
fn perform(
    args: &TestArgs,
    variables: Vec<(String, String)>,
    lanes: &[(Lane, Vec<Case>)],
    tally: &mut Tally,
    closings: &mut Vec<String>,
) -> Result<()> {
    let pool = Pool::new(args.tier(), &target().join("tests"), variables)?;
    pool.run(lanes);
    let came = pool.into_tally();
    closings.push(came.closing());
    closings.extend(came.outside().cloned());
    let is_good = came.is_good();
    tally.append(came);
    if !is_good {
        bail!("tests failed");
    }
    Ok(())
}

/// Where the tools are, those of the long tier with `all`, for the tests that use them.
fn outside(all: bool) -> Result<Vec<(String, String)>> {
    let told = |(variable, tool): (&str, &tools::Tool)| {
        Ok((variable.to_owned(), tool.installed()?.display().to_string()))
    };
    let mut needed = vec![
        (tools::ETCD_VARIABLE, &tools::ETCD),
        (tools::JAVA_VARIABLE, &tools::JAVA),
        (tools::JGROUPS_VARIABLE, &tools::JGROUPS),
        (tools::OLD_JGROUPS_VARIABLE, &tools::OLD_JGROUPS),
        (tools::MARIADB_VARIABLE, &tools::MARIADB),
    ];
    if all {
        needed.push((tools::SCHEMATHESIS_VARIABLE, &tools::SCHEMATHESIS));
        needed.push((tools::AXE_VARIABLE, &tools::AXE));
    }
    needed.into_iter().map(told).collect()
}

/// The command that readers begin with, as they give it.
fn demo(stages: &mut Stages) -> Result<()> {
    let mut demo = Command::new(std::env::current_exe()?);
    stages.command("demo", demo.arg("demo"))
}

fn simulation(stages: &mut Stages) -> Result<()> {
    let mut all = simulate::every(STORIES).into_iter();
    all.try_for_each(|(name, mut command)| stages.command(name, &mut command))
}

fn rustdoc(stages: &mut Stages) -> Result<()> {
    let mut doc: Command = workspace::cargo();
    doc.args(["doc", "--quiet", "--workspace", "--no-deps"]);
    stages
        .command("doc", doc.env("RUSTDOCFLAGS", "-D warnings"))
        .context("the documentation of the code has faults")
}

fn target() -> PathBuf {
    workspace::root().join("target")
}
