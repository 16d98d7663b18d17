//! `meshworker install` and `meshworker version`.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use tokio::signal::unix::{SignalKind, signal};

use crate::install::{self, Installed, Refused};

use super::screen::Screen;
use super::{Failed, flag};

const EXIT_CODES: &str = "Exit codes:\n  \
    0  it is there\n  \
    1  it could not be written\n  \
    2  input that cannot be used";

/// `meshworker install DIR`.
pub fn install_command() -> Command {
    Command::new("install")
        .about("Put this program into a folder, as a whole or not at all: a volume for members in their vendors' images, or a host's /usr/local/bin")
        .arg(
            Arg::new("dir")
                .value_name("DIR")
                .required(true)
                .value_parser(value_parser!(PathBuf))
                .help("The folder, which must exist"),
        )
        .arg(
            Arg::new("expect")
                .long("expect")
                .value_name("VERSION")
                .help("Refuse unless this program is of this version, with or without the digest that `meshworker version` prints"),
        )
        .arg(
            Arg::new("stay")
                .long("stay")
                .action(ArgAction::SetTrue)
                .help("Stay afterwards until told to stop, so that nobody takes the volume for an unused one"),
        )
        .after_help(EXIT_CODES)
}

/// `meshworker version`.
pub fn version_command() -> Command {
    Command::new("version").about(
        "Print the version and a part of this program's checksum: what its volume is named after",
    )
}

/// Runs `meshworker version`.
pub fn version() -> Result<(), Failed> {
    Screen::new().print(&own_version()?)
}

/// Runs `meshworker install`.
pub fn install(args: &ArgMatches) -> Result<(), Failed> {
    let Some(directory) = args.get_one::<PathBuf>("dir") else {
        return Ok(());
    };
    let version = own_version()?;
    let expected = args.get_one::<String>("expect");
    if let Some(expected) = expected.filter(|expected| !install::is(&version, expected)) {
        return Err(Failed::Input(format!(
            "expect: found '{expected}'; allowed: {version}, which this program is"
        )));
    }
    let done = install::install(directory).map_err(|refused| match refused {
        Refused::Directory(_) => Failed::input(refused),
        Refused::Write { .. } => Failed::Goal(refused.to_string()),
    })?;
    let what = match done {
        Installed::New => "is in",
        Installed::Same => "was already in",
        Installed::Replaced => "has replaced another one in",
    };
    Screen::new().print(&format!(
        "meshworker {version} {what} {}",
        directory.display()
    ))?;
    match flag(args, "stay") {
        true => stay(),
        false => Ok(()),
    }
}

fn own_version() -> Result<String, Failed> {
    install::version().map_err(|error| Failed::Goal(format!("this program's own file: {error}")))
}

/// Until told to stop. As the first process of a container only signals that are
/// listened for arrive.
fn stay() -> Result<(), Failed> {
    let failed = |error: std::io::Error| Failed::Goal(format!("no signals: {error}"));
    super::runtime()?.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        Ok(())
    })
}
