//! The page of options is written from the code.

use std::fmt::Write;

use clap::{Arg, Command};
use meshworker::cli::command;
use meshworker::config::setting::{GOSSIP, INIT, PROCESS, SETTINGS, Setting};
use meshworker::config::variable;
use meshworker_engines::registry::Kind;

use crate::page::root;

/// Set to `1`, this variable lets the test write the page instead.
const UPDATE: &str = "MESHWORKER_UPDATE_DOCS";

const HEAD: &str = "\
# Options

Every setting of every command, with its variable and its default. Written from
the program by `cargo xtask docs`: do not edit by hand.

A flag outranks a variable, a variable the file of `--config`, the file a label.
In the file a cluster's setting has the flag's name as its key, and as a label it
is `meshworker.` and that name. `meshworker config check` prints what is in force,
and where it comes from. A variable that is set to nothing is not set.

`MESHWORKER_LOG` is what is logged, in the syntax of tracing's filters, such as
`warn,meshworker=debug`; it outranks `-v`.
";

/// A help text, and the default that it names at its end.
fn split(help: &str) -> (&str, Option<&str>) {
    match help.split_once(" [default: ") {
        Some((help, default)) => (help, Some(default.trim_end_matches(']'))),
        None => (help, None),
    }
}

fn row(page: &mut String, cells: &[&str]) {
    let cells = cells.iter().map(|cell| cell.replace('|', "\\|"));
    writeln!(page, "| {} |", cells.collect::<Vec<_>>().join(" | ")).unwrap();
}

fn head(page: &mut String, cells: &[&str]) {
    row(page, cells);
    writeln!(page, "|{}", "---|".repeat(cells.len())).unwrap();
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn settings(page: &mut String, settings: &[Setting]) {
    head(page, &["option", "variable", "default", "is"]);
    for setting in settings {
        let mut flags = format!("`--{} {}`", setting.name, setting.value);
        for alias in setting.aliases {
            flags += &format!(", `--{alias}`");
        }
        if let Some(short) = setting.short {
            flags += &format!(", `-{short}`");
        }
        let (help, described) = split(setting.help);
        let default = setting.default.map(code);
        let default = default.or(described.map(str::to_owned)).unwrap_or_default();
        row(
            page,
            &[&flags, &code(&variable(setting.name)), &default, help],
        );
    }
}

fn engines(page: &mut String) {
    for kind in Kind::ALL {
        let engine = kind.descriptor();
        writeln!(page, "\n### {}\n", engine.title).unwrap();
        let port = match engine.service_port {
            Some(service) => format!("`port` is {} and `service-port` {service}", engine.port),
            None => format!("`port` and `service-port` are {}", engine.port),
        };
        writeln!(page, "`--engine {}`. Unless given, {port}.", engine.name).unwrap();
        if engine.options.is_empty() {
            writeln!(page, "It has no options of its own.").unwrap();
            continue;
        }
        page.push('\n');
        head(page, &["option", "variable", "default", "allowed", "is"]);
        for option in engine.options {
            let flag = format!("`--option {}=...`", option.name);
            let variable = code(&variable(&format!("option-{}", option.name)));
            let default = code(option.default);
            row(
                page,
                &[&flag, &variable, &default, option.allowed, option.help],
            );
        }
    }
}

/// Whether a table above has this argument already.
fn is_above(command: &Command, arg: &Arg) -> bool {
    let name = arg.get_id().as_str();
    let is = |known: &str| known == name;
    let of_cluster = command
        .get_arguments()
        .any(|arg| arg.get_id() == "servicename");
    of_cluster && SETTINGS.iter().any(|setting| is(setting.name))
        || ["run", "gossip"].contains(&command.get_name())
            && PROCESS.iter().chain(GOSSIP).any(|setting| is(setting.name))
        || command.get_name() == "init" && INIT.iter().any(|setting| is(setting.name))
}

fn argument(page: &mut String, arg: &Arg) {
    let value = arg.get_value_names().unwrap_or_default();
    let value = value
        .iter()
        .map(|name| name.as_str())
        .collect::<Vec<_>>()
        .join(" ");
    let takes = arg.get_action().takes_values();
    let mut flags = match arg.get_long() {
        Some(long) if takes => format!("`--{long} {value}`"),
        Some(long) => format!("`--{long}`"),
        None => code(&value),
    };
    if let Some(short) = arg.get_short() {
        flags += &format!(", `-{short}`");
    }
    let variable = arg.get_env().map(|name| code(&name.to_string_lossy()));
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let (help, described) = split(&help);
    let given = arg.get_default_values().iter().filter(|_| takes);
    let default = given.map(|value| code(&value.to_string_lossy())).next();
    let default = default.or(described.map(str::to_owned)).unwrap_or_default();
    row(
        page,
        &[&flags, &variable.unwrap_or_default(), &default, help],
    );
}

fn commands(page: &mut String, above: &str, command: &Command) {
    let inner: Vec<&Command> = command.get_subcommands().collect();
    let name = format!("{above}{}", command.get_name());
    for command in inner.iter().filter(|command| command.get_name() != "help") {
        commands(page, &format!("{name} "), command);
    }
    if !inner.is_empty() {
        return;
    }
    let about = command
        .get_about()
        .map(ToString::to_string)
        .unwrap_or_default();
    writeln!(page, "\n### `{name}`\n\n{about}.").unwrap();
    let hidden = ["help", "version"];
    let args = command
        .get_arguments()
        .filter(|arg| !hidden.contains(&arg.get_id().as_str()));
    let (above, own): (Vec<&Arg>, Vec<&Arg>) = args.partition(|arg| is_above(command, arg));
    if !above.is_empty() {
        let of = match command.get_name() {
            "gossip" => "a gossip router",
            _ => "a cluster",
        };
        writeln!(page, "Takes the options of {of}.").unwrap();
    }
    if own.is_empty() {
        return;
    }
    page.push('\n');
    head(page, &["option", "variable", "default", "is"]);
    for arg in own {
        argument(page, arg);
    }
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    page += "\n## Of a cluster\n\n";
    settings(&mut page, SETTINGS);
    page += "\n## Of one database\n\nIn a file they stand in `[cluster.option]`; as a label each is \
             `meshworker.option.` and its name.\n";
    engines(&mut page);
    page += "\n## Of the process\n\nFor `meshworker run`, as flags and variables only: all its clusters \
             share them.\n\n";
    settings(&mut page, PROCESS);
    page += "\n## Of a gossip router\n\nFor `meshworker gossip`, which takes those of the process that begin with `api-` as \
             well, and for `meshworker run`.\n\n";
    settings(&mut page, GOSSIP);
    page += "\n## Of the supervisor\n\nFor `meshworker init`, in addition to its cluster's.\n\n";
    settings(&mut page, INIT);
    page += "\n## Of each command\n\nWhat the tables above do not have.\n";
    commands(&mut page, "", &command());
    page
}

#[test]
fn the_page_of_options_is_what_the_program_says() {
    let path = root().join("docs/options.md");
    let expected = page();
    if std::env::var(UPDATE).is_ok_and(|value| value == "1") {
        std::fs::write(&path, expected).unwrap();
        return;
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    let mut lines = found.lines().zip(expected.lines());
    let differs = lines.find(|(found, expected)| found != expected);
    assert!(
        found == expected,
        "docs/options.md is stale: run `cargo xtask docs`; first difference: {differs:?}"
    );
}
