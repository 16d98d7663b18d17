//! Where log lines go and how they look.

use clap::{Arg, ArgAction, ArgMatches};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, reload};

use super::log_lines::{Form, Lines};
use crate::log_level::{self, LogLevel};

/// The flags that every command with a log takes.
pub fn args() -> [Arg; 2] {
    [
        Arg::new("verbose")
            .short('v')
            .long("verbose")
            .action(ArgAction::SetTrue)
            .help("Log every pass"),
        Arg::new("log-format")
            .long("log-format")
            .value_name("FORMAT")
            .env("MESHWORKER_LOG_FORMAT")
            .value_parser(["text", "json"])
            .default_value("text")
            .help("How log lines look"),
    ]
}

/// Starts logging to standard error. `MESHWORKER_LOG` overrides the level, in
/// the syntax of tracing's filters; what is returned changes it later.
pub fn start(args: &ArgMatches) -> LogLevel {
    let level = if args.get_flag("verbose") {
        "debug"
    } else {
        "info"
    };
    let default = log_level::filter(level);
    let filter =
        EnvFilter::try_from_env("MESHWORKER_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let (filter, handle) = reload::Layer::new(filter);
    let json = args.get_one::<String>("log-format").map(String::as_str) == Some("json");
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let form = match (json, colours) {
        (true, _) => Form::Json,
        (false, true) => Form::Coloured,
        (false, false) => Form::Plain,
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(move || Lines::new(std::io::stderr(), form))
        // It would be told on standard error, which panics where that is closed.
        .log_internal_errors(false)
        .with_target(false);
    let registry = tracing_subscriber::registry().with(filter);
    match form {
        Form::Json => registry.with(lines.json().flatten_event(true)).init(),
        _ => registry.with(lines.with_ansi(colours)).init(),
    }
    LogLevel::new(handle)
}
