//! `meshworker completions` and `meshworker man`.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, value_parser};
use clap_complete::Shell;
use clap_mangen::Man;

use super::Failed;
use super::screen::Screen;

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
    let mut text = Vec::new();
    clap_complete::generate(*shell, &mut super::command(), "meshworker", &mut text);
    Screen::new().print(String::from_utf8_lossy(&text).trim_end())
}

/// Runs `meshworker man`.
pub fn man(args: &ArgMatches) -> Result<(), Failed> {
    let Some(dir) = args.get_one::<PathBuf>("dir") else {
        let mut text = Vec::new();
        let rendered = Man::new(super::command()).render(&mut text);
        rendered.map_err(|error| Failed::Goal(error.to_string()))?;
        return Screen::new().print(String::from_utf8_lossy(&text).trim_end());
    };
    if !dir.is_dir() {
        return Err(Failed::Input(format!(
            "DIR: found '{}'; allowed: a folder that exists",
            dir.display()
        )));
    }
    clap_mangen::generate_to(super::command(), dir)
        .map_err(|error| Failed::Goal(format!("{}: {error}", dir.display())))
}
