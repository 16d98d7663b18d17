//! `meshworker doctor`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::ValueParser;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};

use super::show;
use crate::client::Client;
use crate::config::setting::SETTINGS;
use crate::doctor::{self as live, Collector, Shared, Whom, leave_time};
use crate::status::{ClusterStatus, Events, RefusalStatus, Summary};
use crate::words;
use meshworker_doctor::finding::Severity;
use meshworker_doctor::manifest;
use meshworker_doctor::report::Diagnosis;
use meshworker_doctor::stack::{self, BadStack, Ground};

use super::api_args::{self, Api};
use super::{Failed, cluster_args, flag, judge};

/// The kind of remark that a worker makes of members that share a node.
const SHARED_NODE: &str = "shared_node";

const EXIT_CODES: &str = "Exit codes:\n  \
    0  no error, perhaps warnings and hints\n  \
    1  at least one error\n  \
    2  input that cannot be used: one line with file, line and column";

/// The command, with the settings of a cluster and those of its own.
pub fn command() -> Command {
    cluster_args::add(
        Command::new("doctor")
            .about("Find mistakes in a stack file or manifests, or in what can be seen from here; change nothing")
            .arg(
                Arg::new("stack")
                    .long("stack")
                    .value_name("FILE")
                    .action(ArgAction::Append)
                    .value_parser(ValueParser::path_buf())
                    .help("Look at this stack file, or these manifests of Kubernetes, alone; several stack files are merged as docker merges them, - is standard input"),
            )
            .arg(
                Arg::new("nodes")
                    .long("nodes")
                    .value_name("N")
                    .help("How many nodes may run the stack [default: what the Docker API says]"),
            )
            .arg(
                Arg::new("workers")
                    .long("workers")
                    .env("MESHWORKER_WORKERS")
                    .value_name("NAME")
                    .help("The DNS name of the workers' service, or an address: their clocks are looked at"),
            )
            .arg(
                Arg::new("workers-port")
                    .long("workers-port")
                    .env("MESHWORKER_WORKERS_PORT")
                    .value_name("PORT")
                    .default_value("4747")
                    .help("The port that the workers listen on"),
            )
            .args(api_args::reading())
            .arg(
                Arg::new("json")
                    .long("json")
                    .action(ArgAction::SetTrue)
                    .help("Print JSON instead of text"),
            )
            .after_help(EXIT_CODES),
    )
}

/// Looks and tells: exit code 1 when there is an error among the findings.
pub fn doctor(args: &ArgMatches) -> Result<ExitCode, Failed> {
    let nodes = nodes(args)?;
    let Told { leave_time, shared } = told(args)?;
    let diagnosis = match args.get_many::<PathBuf>("stack") {
        Some(files) => {
            alone(args)?;
            let files: Vec<&PathBuf> = files.collect();
            of_files(&files, nodes, leave_time)?
        }
        None => {
            let inputs = cluster_args::read(args)?;
            let collector = Collector::here(inputs, workers(args)?).map_err(Failed::input)?;
            super::runtime()?.block_on(live::diagnosis(
                &collector,
                nodes,
                leave_time,
                shared,
                judge::refuses,
            ))
        }
    };
    show(&diagnosis, flag(args, "json"));
    Ok(match diagnosis.count(Severity::Error) {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

/// What a worker knows, where one was named.
#[derive(Default)]
struct Told {
    /// How long a member took to leave.
    leave_time: Option<Duration>,
    /// Members that share a node.
    shared: Option<Vec<Shared>>,
}

/// Asks the worker that `--api` names. One that does not answer is no mistake of the
/// stack's.
fn told(args: &ArgMatches) -> Result<Told, Failed> {
    if api_args::given(args, "api").is_none() {
        return Ok(Told::default());
    }
    let api = Api::read(args)?;
    super::runtime()?.block_on(async {
        let client = api.client().await?;
        let all = [("limit", "1000".to_owned())];
        let events = client.get::<Events>(&["v1", "events"], &all).await.ok();
        Ok(Told {
            leave_time: events.and_then(|told| leave_time::longest(&told.events)),
            shared: shared(&client).await,
        })
    })
}

/// What the worker says of each of its clusters.
async fn shared(client: &Client) -> Option<Vec<Shared>> {
    let clusters: Vec<Summary> = client.get(&["v1", "clusters"], &[]).await.ok()?;
    let mut shared = Vec::new();
    for Summary { name, .. } in clusters {
        let path = ["v1", "clusters", &name];
        let status: ClusterStatus = client.get(&path, &[]).await.ok()?;
        let refusals = status.plan.refusals.into_iter();
        let refusals = refusals.filter(|refusal| refusal.kind == SHARED_NODE);
        shared.extend(refusals.map(|RefusalStatus { what, reason, .. }| Shared {
            cluster: name.clone(),
            words: format!("{what}: {reason}"),
        }));
    }
    Some(shared)
}

fn of_files(
    files: &[&PathBuf],
    nodes: Option<usize>,
    leave_time: Option<Duration>,
) -> Result<Diagnosis, Failed> {
    let lookup = |name: &str| std::env::var(name).ok();
    let bad = |why: BadStack| Failed::Input(show::clean(&why.to_string()));
    // Manifests and stack files are told apart by what they say.
    let (mut manifests, mut stacks) = (Vec::new(), Vec::new());
    for file in files {
        let (name, text) = stack::text_of(file).map_err(bad)?;
        match manifest::is_manifest(&text) {
            true => manifests.push((name, text)),
            false => stacks.push((name, text)),
        }
    }
    let of_manifests = match manifests.as_slice() {
        [] => None,
        files => {
            let all = manifest::parse(files).map_err(bad)?;
            Some(Diagnosis::of(manifest::checks::CHECKS, &all))
        }
    };
    if stacks.is_empty() {
        return Ok(of_manifests.unwrap_or_default());
    }
    let mut ground = Ground::of(stack::of_texts(&stacks, &lookup).map_err(bad)?);
    ground.nodes = nodes;
    ground.leave_time = leave_time;
    ground.refuses = Some(judge::refuses);
    let of_stacks = stack::diagnosis(&ground);
    Ok(match of_manifests {
        Some(other) => of_stacks.and(other),
        None => of_stacks,
    })
}

/// Refuses settings that a look at files would leave aside.
fn alone(args: &ArgMatches) -> Result<(), Failed> {
    let names = SETTINGS.iter().map(|setting| setting.name);
    let given = names
        .chain(["option", "config"])
        .find(|name| args.value_source(name) == Some(ValueSource::CommandLine));
    match given {
        Some(name) => Err(Failed::Input(format!(
            "{name} (flag): found it beside stack; allowed: the stack's own settings, in its files"
        ))),
        None => Ok(()),
    }
}

/// The workers whose clocks are looked at, where somebody has named them.
fn workers(args: &ArgMatches) -> Result<Option<Whom>, Failed> {
    let port = args.get_one::<String>("workers-port");
    let port = port.map(String::as_str).unwrap_or_default();
    let number = port.parse().ok().filter(|port: &u16| *port > 0);
    let number = number.ok_or_else(|| {
        Failed::Input(format!("workers-port: found '{port}'; allowed: 1 to 65535"))
    })?;
    Ok(args.get_one::<String>("workers").map(|name| Whom {
        name: name.clone(),
        port: number,
    }))
}

fn nodes(args: &ArgMatches) -> Result<Option<usize>, Failed> {
    let Some(text) = args.get_one::<String>("nodes") else {
        return Ok(None);
    };
    let count = text.parse().ok().filter(|count| *count > 0);
    count.map(Some).ok_or_else(|| {
        Failed::Input(format!(
            "nodes (flag): found '{text}'; allowed: a count from 1"
        ))
    })
}

/// Colours only where a terminal shows them, and not with `NO_COLOR`.
fn show(diagnosis: &Diagnosis, json: bool) {
    let mut out = anstream::stdout().lock();
    let shown = match json {
        true => words::pretty_json(&diagnosis.to_json()).unwrap_or_default() + "\n",
        false => show::diagnosis(diagnosis),
    };
    // A closed pipe is the reader's wish, not our failure.
    let _ = out.write_all(shown.as_bytes());
}
