//! What a shell is told while a command line is typed: flags and their values by the
//! program, the names of clusters and members by a worker.

use std::ffi::OsStr;
use std::time::Duration;

use clap::builder::ValueHint;
use clap::{Arg, ArgMatches, Command};
use clap_complete::Shell;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::{CompleteEnv, Shells};
use meshworker_engines::registry::Kind;

use super::api_args::Api;
use super::{ask, runtime};
use crate::status::ClusterStatus;
use crate::words::dull;

/// What tells the program that a shell asks, and which.
const ASKED: &str = "MESHWORKER_COMPLETE";

/// Whoever types does not wait for longer.
const PATIENCE: Duration = Duration::from_millis(700);

/// Answers a shell that asks; whether one did.
///
/// # Errors
///
/// It is a shell that nobody knows, or it does not listen.
pub fn complete() -> clap::error::Result<bool> {
    let here = std::env::current_dir().ok();
    CompleteEnv::with_factory(|| with_values(super::command()))
        .var(ASKED)
        .try_complete(std::env::args_os(), here.as_deref())
}

/// What makes a shell ask.
///
/// # Errors
///
/// It cannot be written.
pub fn script(shell: Shell) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    if let Some(shell) = Shells::builtins().completer(&shell.to_string()) {
        shell.write_registration(ASKED, "meshworker", "meshworker", "meshworker", &mut text)?;
    }
    Ok(text)
}

/// The same with the values that flags have: a wrong one is complained of by whoever reads
/// it, who knows where it came from, and here a shell needs to know them.
fn with_values(command: Command) -> Command {
    let departed = command.get_name() == "forget";
    let command = command.mut_args(|arg| with_value(arg, departed));
    command.mut_subcommands(with_values)
}

fn with_value(arg: Arg, departed: bool) -> Arg {
    if !arg.get_action().takes_values() || arg.get_id() == "shell" {
        return arg;
    }
    let names = arg.get_value_names().and_then(|names| names.first());
    let value = names.map_or("", |name| name.as_str()).to_owned();
    match value.as_str() {
        "FILE" => arg.value_hint(ValueHint::FilePath),
        "DIR" => arg.value_hint(ValueHint::DirPath),
        "COMMAND" => arg,
        "MEMBER" => arg.add(told(move |args| members(args, departed))),
        "NAME" if arg.get_id() == "cluster" || arg.get_id() == "name" => {
            arg.add(told(cluster_names))
        }
        _ if arg.get_id() == "engine" => arg.value_parser(engines()),
        values if values.contains('|') => {
            let values: Vec<String> = values.split('|').map(str::to_owned).collect();
            arg.value_parser(values)
        }
        _ => arg.value_hint(ValueHint::Other),
    }
}

fn engines() -> Vec<&'static str> {
    let engines = Kind::ALL.iter();
    engines.map(|kind| kind.descriptor().name).collect()
}

/// Offers those of the told words that begin as what stands there.
fn told(
    words: impl Fn(&ArgMatches) -> Option<Vec<String>> + Send + Sync + 'static,
) -> ArgValueCompleter {
    ArgValueCompleter::new(move |begun: &OsStr| {
        let words = typed().and_then(|args| words(&args)).unwrap_or_default();
        let begun = begun.to_string_lossy();
        let words = words.iter().map(|word| dull(word));
        let words = words.filter(|word| word.starts_with(&*begun));
        words
            .map(|word| CompletionCandidate::new(word.into_owned()))
            .collect()
    })
}

/// The command that is typed, as far as it can be read.
fn typed() -> Option<ArgMatches> {
    let words = std::env::args_os().skip_while(|word| word != "--").skip(1);
    let command = super::command().ignore_errors(true);
    let mut args = command.try_get_matches_from(words).ok()?;
    args.remove_subcommand().map(|(_, args)| args)
}

fn cluster_names(args: &ArgMatches) -> Option<Vec<String>> {
    let mut api = Api::read(args).ok()?;
    api.cluster = None;
    in_time(async {
        let client = api.client().await.ok()?;
        let all = api.clusters(&client).await.ok()?;
        Some(all.into_iter().map(|cluster| cluster.name).collect())
    })
}

fn members(args: &ArgMatches, departed: bool) -> Option<Vec<String>> {
    let api = Api::read(args).ok()?;
    let (_, _, status) = in_time(async { ask::find(&api).await.ok() })?;
    Some(if departed {
        gone(status)
    } else {
        let members = status.members.into_iter();
        members.map(|member| member.id).collect()
    })
}

/// Whom the database remembers, by what `forget` takes.
fn gone(status: ClusterStatus) -> Vec<String> {
    let gone = status.departed.into_iter();
    gone.flat_map(|node| node.address.into_iter().chain(Some(node.node)))
        .collect()
}

fn in_time<T>(answer: impl Future<Output = Option<T>>) -> Option<T> {
    let answer = async { tokio::time::timeout(PATIENCE, answer).await.ok().flatten() };
    runtime().ok()?.block_on(answer)
}
