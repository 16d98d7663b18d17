//! Where log lines go and how they look.

use clap::{Arg, ArgAction, ArgMatches};
use tracing_subscriber::EnvFilter;

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
/// the syntax of tracing's filters.
pub fn start(args: &ArgMatches) {
    let level = if args.get_flag("verbose") {
        "debug"
    } else {
        "info"
    };
    // Libraries speak only when something is wrong.
    let default = format!("warn,meshworker={level},meshworker_engines={level}");
    let filter =
        EnvFilter::try_from_env("MESHWORKER_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false);
    match args.get_one::<String>("log-format").map(String::as_str) {
        Some("json") => lines.json().flatten_event(true).init(),
        _ => lines
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .init(),
    }
}
