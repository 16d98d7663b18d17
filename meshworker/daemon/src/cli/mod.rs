//! The command line: which command, and what it exits with.

mod api_args;
mod ask;
mod cluster_args;
mod complete;
mod config_check;
mod doctor;
mod events;
mod goal;
mod gossip;
mod group;
mod health;
mod init;
mod install;
mod judge;
mod links;
mod listen;
mod log_lines;
mod logging;
mod look;
mod order;
mod pages;
mod proxy;
mod remote;
mod run;
mod scale;
mod screen;
mod seed;
pub mod show;
mod size;
mod status;
mod succession;
mod usage;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::config::setting::{GOSSIP, PROCESS};
use crate::config::{self, SECONDS};
use crate::process::{Failed, runtime};
use crate::words::dull;

/// Runs the command that these arguments name. The first one is the name that
/// the program was called by.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    match complete::complete() {
        Ok(false) => {}
        Ok(true) => return ExitCode::SUCCESS,
        Err(error) => return misused(&error),
    }
    let args = seed::translate(args.into_iter().collect());
    let matches = match links::without_links(command()).try_get_matches_from(args) {
        Ok(matches) => matches,
        Err(error) => return misused(&error),
    };
    let result = match matches.subcommand() {
        Some(("run", args)) => run::run(args),
        Some(("look", args)) => look::look(args),
        Some(("init", args)) => match init::init(args) {
            Ok(code) => return code,
            Err(failed) => Err(failed),
        },
        Some(("proxy", args)) => proxy::proxy(args),
        Some(("doctor", args)) => match doctor::doctor(args) {
            Ok(code) => return code,
            Err(failed) => Err(failed),
        },
        Some(("status", args)) => status::status(args),
        Some(("members", args)) => ask::members(args),
        Some(("topology", args)) => ask::topology(args),
        Some(("events", args)) => events::events(args),
        Some(("why", args)) => ask::why(args),
        Some(("plan", args)) => ask::plan(args),
        Some((what @ ("hold" | "resume"), args)) => order::hold_or_resume_it(args, what),
        Some(("forget", args)) => order::forget(args),
        Some(("acknowledge", args)) => order::acknowledge(args),
        Some(("size", args)) => size::size(args),
        Some(("switchover", args)) => succession::switchover(args),
        Some(("failover", args)) => succession::failover(args),
        Some(("downtime", args)) => succession::downtime(args),
        Some(("group", args)) => group::group(args),
        Some(("gossip", args)) => gossip::gossip(args),
        Some(("completions", args)) => pages::completions(args),
        Some(("man", args)) => pages::man(args),
        Some(("scale", args)) => scale::scale(args),
        Some(("drain", args)) => scale::drain(args),
        Some(("install", args)) => install::install(args),
        Some(("version", _)) => install::version(),
        Some(("health", _)) => return health::health(),
        Some(("config", args)) => match args.subcommand() {
            Some(("check", args)) => config_check::check(args),
            _ => Ok(()),
        },
        _ => Ok(()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            complain(&failed.to_string());
            ExitCode::from(failed.exit_code())
        }
    }
}

/// One line on standard error, whoever's words are in it.
fn complain(line: &str) {
    eprintln!("meshworker: {}", dull(line));
}

/// Help and version as they are; a mistake as one line.
fn misused(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        // A closed pipe is the reader's wish, not our failure.
        let _ = error.print();
    } else {
        complain(&usage::line(error));
    }
    ExitCode::from(error.exit_code() as u8)
}

/// The whole command line, made from the table of settings.
pub fn command() -> Command {
    Command::new("meshworker")
        .about("Makes the replicas of a Swarm service one database cluster, and keeps them one")
        .version(env!("CARGO_PKG_VERSION"))
        .max_term_width(80)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(cluster_args::add(
            Command::new("run")
                .about("Look after clusters until told to stop")
                .arg(
                    Arg::new("once")
                        .short('o')
                        .long("once")
                        .action(ArgAction::SetTrue)
                        .help("Exit 0 when each cluster is one and verified, 1 with the reason at the time-out"),
                )
                .arg(
                    Arg::new("once-timeout")
                        .long("once-timeout")
                        .value_name("SECONDS")
                        .env("MESHWORKER_ONCE_TIMEOUT")
                        .default_value("60")
                        .help("How long --once may take"),
                )
                .args(powers())
                .args(PROCESS.iter().chain(GOSSIP).map(cluster_args::argument)),
        ))
        .subcommand(cluster_args::add(
            Command::new("look")
                .about("Look once, change nothing; show the members and what would be done")
                .arg(
                    Arg::new("json")
                        .long("json")
                        .action(ArgAction::SetTrue)
                        .help("Print JSON instead of a table"),
                ),
        ))
        .subcommand(doctor::command())
        .subcommand(init::command())
        .subcommand(proxy::command())
        .subcommand(status::command())
        .subcommand(ask::members_command())
        .subcommand(ask::topology_command())
        .subcommand(events::command())
        .subcommand(ask::why_command())
        .subcommand(ask::plan_command())
        .subcommand(order::hold_command())
        .subcommand(order::resume_command())
        .subcommand(order::forget_command())
        .subcommand(order::acknowledge_command())
        .subcommand(size::command())
        .subcommand(succession::switchover_command())
        .subcommand(succession::failover_command())
        .subcommand(succession::downtime_command())
        .subcommand(group::command())
        .subcommand(gossip::command())
        .subcommand(pages::completions_command())
        .subcommand(pages::man_command())
        .subcommand(scale::scale_command())
        .subcommand(scale::drain_command())
        .subcommand(install::install_command())
        .subcommand(install::version_command())
        .subcommand(Command::new("health").about(
            "The container's health check: ask its supervisor, print one line, exit 0 when healthy",
        ))
        .subcommand(
            Command::new("config")
                .about("About the configuration")
                .subcommand_required(true)
                .subcommand(cluster_args::add(
                    Command::new("check")
                        .about("Validate and print the effective configuration, secrets masked")
                        .args(powers()),
                )),
        )
}

/// What a worker may be told to leave undone.
fn powers() -> [Arg; 2] {
    let arg = |name, variable, help| {
        Arg::new(name)
            .long(name)
            .env(variable)
            .action(ArgAction::SetTrue)
            .value_parser(usage::YesOrNo)
            .help(help)
    };
    [
        arg(
            "dry-run",
            "MESHWORKER_DRY_RUN",
            "Plan and show, and do nothing",
        ),
        arg(
            "no-removals",
            "MESHWORKER_NO_REMOVALS",
            "Forget nobody; members still join",
        ),
    ]
}

/// A length of time that a flag gives.
fn seconds(args: &ArgMatches, name: &str) -> Result<Duration, Failed> {
    let text = args.get_one::<String>(name).map_or("", String::as_str);
    config::seconds(text.trim())
        .ok_or_else(|| Failed::Input(format!("{name}: found '{text}'; allowed: {SECONDS}")))
}

/// Whether a flag without a value was given.
fn flag(args: &ArgMatches, name: &str) -> bool {
    args.get_flag(name)
}
