//! `meshworker completions` and `meshworker man`.

use std::path::{Path, PathBuf};

use clap::builder::Resettable;
use clap::{Arg, ArgMatches, Command, value_parser};
use clap_complete::Shell;
use clap_mangen::Man;

use super::screen::Screen;
use super::{Failed, complete};

const EXIT_CODES: &str = "Exit codes:\n  \
    0  done\n  \
    1  the pages could not be written\n  \
    2  input that cannot be used";

/// `meshworker completions SHELL`.
pub fn completions_command() -> Command {
    Command::new("completions")
        .about("Print what a shell needs to complete this command line")
        .arg(
            Arg::new("shell")
                .value_name("SHELL")
                .required(true)
                .value_parser(value_parser!(Shell))
                .help("The shell"),
        )
        .after_help(EXIT_CODES)
}

/// `meshworker man [DIR]`.
pub fn man_command() -> Command {
    Command::new("man")
        .about("Write the manual pages of all commands into a folder, or print the first one")
        .arg(
            Arg::new("dir")
                .value_name("DIR")
                .value_parser(value_parser!(PathBuf))
                .help("The folder, which must exist [default: standard output]"),
        )
        .after_help(EXIT_CODES)
}

/// Runs `meshworker completions`.
pub fn completions(args: &ArgMatches) -> Result<(), Failed> {
    let Some(shell) = args.get_one::<Shell>("shell") else {
        return Ok(());
    };
    let text = complete::script(*shell).map_err(|error| Failed::Goal(error.to_string()))?;
    Screen::new().print(String::from_utf8_lossy(&text).trim_end())
}

/// Runs `meshworker man`.
pub fn man(args: &ArgMatches) -> Result<(), Failed> {
    let mut command = super::command().disable_help_subcommand(true);
    command.build();
    let Some(dir) = args.get_one::<PathBuf>("dir") else {
        let text = page(&command).map_err(|error| Failed::Goal(error.to_string()))?;
        return Screen::new().print(text.trim_end());
    };
    if !dir.is_dir() {
        return Err(Failed::Input(format!(
            "DIR: found '{}'; allowed: a folder that exists",
            dir.display()
        )));
    }
    write_pages(&command, dir).map_err(|error| Failed::Goal(format!("{}: {error}", dir.display())))
}

fn write_pages(command: &Command, dir: &Path) -> std::io::Result<()> {
    for one in command.get_subcommands() {
        write_pages(one, dir)?;
    }
    std::fs::write(dir.join(format!("{}.1", name(command))), page(command)?)
}

fn name(command: &Command) -> &str {
    command
        .get_display_name()
        .unwrap_or_else(|| command.get_name())
}

/// A command's page: what clap knows, its exit codes, and the pages beside it.
fn page(command: &Command) -> std::io::Result<String> {
    let mut text = Vec::new();
    let bare = command.clone().after_help(Resettable::Reset);
    let man = Man::new(bare).manual("meshworker");
    man.source(format!("meshworker {}", env!("CARGO_PKG_VERSION")))
        .render(&mut text)?;
    let mut page = String::from_utf8_lossy(&text).into_owned();
    if let Some(codes) = command.get_after_help() {
        page += ".SH NOTES\n.nf\n";
        for line in codes.to_string().lines() {
            page += &format!("\\&{}\n", line.replace('\\', "\\e").replace('-', "\\-"));
        }
        page += ".fi\n";
    }
    let below = command.get_subcommands().map(name);
    let above = (name(command) != "meshworker").then_some("meshworker");
    let beside = above.into_iter().chain(below);
    let beside = beside.map(|name| format!("\\fB{}\\fR(1)", name.replace('-', "\\-")));
    let beside: Vec<String> = beside.collect();
    if !beside.is_empty() {
        page += &format!(".SH SEE ALSO\n{}\n", beside.join(", "));
    }
    Ok(page)
}
