//! `meshworker init`.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command};
use tracing::{Instrument, info_span};

use crate::config::setting::INIT;
use crate::init::{self, Settings};

use super::{Failed, cluster_args, logging};

/// The command, with the settings of a cluster and those of its own.
pub fn command() -> Command {
    let database = Arg::new("command")
        .value_name("COMMAND")
        .action(ArgAction::Append)
        .value_parser(ValueParser::os_string())
        .last(true)
        .help("The database and its arguments, after --");
    cluster_args::add(
        Command::new("init")
            .about("Run the database as the first process of its container: announce it, and let it go without loss")
            .args(INIT.iter().map(cluster_args::argument))
            .arg(database),
    )
}

/// Runs the database; its exit code.
pub fn init(args: &ArgMatches) -> Result<ExitCode, Failed> {
    let command: Vec<OsString> = args
        .get_many::<OsString>("command")
        .map(|words| words.cloned().collect())
        .unwrap_or_default();
    if command.first().is_none_or(|program| program.is_empty()) {
        return Err(Failed::Input(
            "command: found nothing; allowed: the database's command line, after --".into(),
        ));
    }
    let inputs = cluster_args::read(args)?;
    if inputs.labels {
        return Err(Failed::Input(
            "labels: found it for init; allowed: one cluster, by flags, variables or a file".into(),
        ));
    }
    let mut clusters = inputs.clusters().map_err(Failed::input)?;
    let cluster = match (clusters.pop(), clusters.len()) {
        (Some(cluster), 0) => cluster,
        (_, others) => {
            return Err(Failed::Input(format!(
                "config: found {} clusters; allowed: exactly one for init",
                others + 1
            )));
        }
    };
    let given = cluster.effective.iter();
    let mut network = given.filter(|(name, _)| name == "network");
    let network = network.next().map(|(_, given)| given.value.clone());
    let given = cluster_args::given(args, INIT);
    let settings = Settings::validate(network, &given)?;
    settings.has_token(&given)?;
    logging::start(args);
    // Tells the supervisor's lines apart from the database's.
    let member = tracing::field::display(&settings.identity);
    let span = info_span!("meshworker", member);
    let runtime = super::runtime()?;
    let code = runtime.block_on(init::run(cluster, settings, command).instrument(span));
    Ok(match code {
        Ok(code) => ExitCode::from(code),
        Err(refused) => {
            eprintln!("meshworker: {refused}");
            ExitCode::from(refused.exit_code())
        }
    })
}
