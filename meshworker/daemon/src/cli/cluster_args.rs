//! The flags and variables that every command about clusters takes.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::builder::ValueParser;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::config::setting::{SETTINGS, Setting};
use crate::config::{self, Given, Inputs, Origin, Raw};

use super::{Failed, logging};

/// Adds a flag for every setting, and those that say where clusters come from.
pub fn add(command: Command) -> Command {
    command
        .args(SETTINGS.iter().map(argument))
        .arg(
            Arg::new("option")
                .long("option")
                .value_name("NAME=VALUE")
                .action(ArgAction::Append)
                .help("One of the engine's own options, such as replicas-per-master=1"),
        )
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .env("MESHWORKER_CONFIG")
                .value_parser(ValueParser::path_buf())
                .help("Look after the clusters of this TOML file"),
        )
        .arg(
            Arg::new("labels")
                .long("labels")
                .env("MESHWORKER_LABELS")
                .action(ArgAction::SetTrue)
                .help("Look after every service with the label meshworker.enable=true"),
        )
        .args(logging::args())
}

/// The flag of a setting, and its variable.
pub fn argument(setting: &Setting) -> Arg {
    let help = match setting.default {
        Some(default) => format!("{} [default: {default}]", setting.help),
        None => setting.help.to_owned(),
    };
    let arg = Arg::new(setting.name)
        .long(setting.name)
        .visible_aliases(setting.aliases.iter().copied())
        .value_name(setting.value)
        .env(config::variable(setting.name))
        .allow_negative_numbers(true)
        .help(help);
    match setting.short {
        Some(short) => arg.short(short),
        None => arg,
    }
}

/// What the command line and the variables give of this table.
pub fn given(args: &ArgMatches, table: &[Setting]) -> BTreeMap<String, Given> {
    let given = table.iter().filter_map(|setting| {
        let value = args.get_one::<String>(setting.name)?.clone();
        let origin = match args.value_source(setting.name) {
            // A variable that a stack file sets to nothing is not set.
            Some(ValueSource::EnvVariable) if value.trim().is_empty() => return None,
            Some(ValueSource::EnvVariable) => Origin::Variable,
            _ => Origin::Flag,
        };
        Some((setting.name.to_owned(), Given { value, origin }))
    });
    given.collect()
}

/// Collects what the command line, the variables and the file give.
///
/// # Errors
///
/// The file cannot be used, or an option has no value.
pub fn read(args: &ArgMatches) -> Result<Inputs, Failed> {
    let mut shared = Raw {
        settings: given(args, SETTINGS),
        ..Raw::default()
    };
    for option in args.get_many::<String>("option").unwrap_or_default() {
        let (name, value) = option.split_once('=').ok_or_else(|| {
            Failed::Input(format!(
                "option (flag): found '{option}'; allowed: NAME=VALUE"
            ))
        })?;
        shared
            .give(&format!("option.{name}"), value, Origin::Flag)
            .map_err(Failed::input)?;
    }
    for (name, value) in std::env::vars_os() {
        // Other variables may be of any bytes.
        let Some(name) = name.to_str() else {
            continue;
        };
        if let Some(option) = name.strip_prefix("MESHWORKER_OPTION_") {
            let value = value.into_string().map_err(|value| {
                let found = value.to_string_lossy();
                Failed::Input(format!("{name}: found '{found}'; allowed: UTF-8"))
            })?;
            let name = format!("option.{}", option.to_lowercase().replace('_', "-"));
            let mut given = Raw::default();
            given
                .give(&name, value, Origin::Variable)
                .map_err(Failed::input)?;
            shared.merge(&given);
        }
    }
    let file = match args.get_one::<PathBuf>("config") {
        Some(path) => Some(config::read_file(path).map_err(Failed::input)?),
        None => None,
    };
    Ok(Inputs {
        shared,
        file,
        labels: args.get_flag("labels"),
    })
}
