//! Every command line in the documentation is one that the program takes.

use clap::error::ErrorKind;
use meshworker::cli::command;

use crate::page::{Page, root};
use crate::shell::{call, words};

/// Why the program does not take this; none when it does. `whole` says that
/// nothing may be missing either.
fn refused(words: &[String], whole: bool) -> Option<String> {
    let error = command().try_get_matches_from(words).err()?;
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => None,
        ErrorKind::MissingRequiredArgument
        | ErrorKind::MissingSubcommand
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
            if !whole =>
        {
            None
        }
        _ => Some(error.to_string().lines().next().unwrap_or_default().into()),
    }
}

#[test]
fn every_command_line_is_taken() {
    let mut wrong = Vec::new();
    let mut taken = 0;
    for page in Page::all() {
        let code = page
            .code()
            .into_iter()
            .map(|(line, text)| (line, text, true));
        let inline = page.inline_code().into_iter();
        for (line, text, whole) in code.chain(inline.map(|(line, text)| (line, text, false))) {
            let Some(words) = call(&text) else { continue };
            taken += 1;
            if let Some(why) = refused(&words, whole) {
                wrong.push(format!("{}:{line}: {}: {why}", page.path, words.join(" ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(taken > 20, "only {taken} command lines were found");
}

#[test]
fn every_entry_point_is_taken() {
    let mut wrong = Vec::new();
    for page in Page::all() {
        for (line, text) in page.code() {
            let Some((key, list)) = text.split_once(": [") else {
                continue;
            };
            let parts = list.trim_end_matches(']').split(',');
            let mut words: Vec<String> = parts
                .map(|word| word.trim().trim_matches('"').to_owned())
                .collect();
            match (
                key.trim_start_matches("- "),
                words.first().map(String::as_str),
            ) {
                ("entrypoint" | "command" | "test", Some("meshworker")) => {}
                ("command", Some("run")) => words.insert(0, "meshworker".into()),
                _ => continue,
            }
            if let Some(why) = refused(&words, true) {
                wrong.push(format!("{}:{line}: {text}: {why}", page.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_stack_file_exists() {
    let mut wrong = Vec::new();
    for page in Page::all() {
        for (line, text) in page.code() {
            let words = words(&text);
            let deploys = words.windows(3).any(|w| w == ["docker", "stack", "deploy"]);
            let checks = words.iter().any(|word| word == "doctor");
            for pair in words.windows(2) {
                let is_file = deploys && pair[0] == "-c" || checks && pair[0] == "--stack";
                // Ours are in folders; a file beside the reader is his own.
                let is_name = !pair[1].contains('/');
                if is_file && !is_name && !root().join(&pair[1]).exists() {
                    wrong.push(format!("{}:{line}: there is no {}", page.path, pair[1]));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn calls_are_found() {
    let found = |line: &str| call(line).map(|words| words.join(" "));
    let exec = "docker exec $(docker ps -q -f name=x_tools) meshworker look --json  # or so";
    assert_eq!(found(exec).unwrap(), "meshworker look --json");
    assert_eq!(
        found("A=b C=d meshworker look | jq .").unwrap(),
        "meshworker look"
    );
    let image = "docker run --rm meshworker/meshworker:latest look";
    assert_eq!(found(image).unwrap(), "meshworker look");
    assert_eq!(found("docker service logs meshworker"), None);
    assert_eq!(found("echo meshworker"), None);
    assert_eq!(words("a 'b c' \"\" d"), ["a", "b c", "", "d"]);
    assert!(refused(&words("meshworker run --no-such-flag"), true).is_some());
    assert!(refused(&words("meshworker runn"), false).is_some());
    assert!(refused(&words("meshworker scale"), true).is_some());
    assert!(refused(&words("meshworker scale"), false).is_none());
}
