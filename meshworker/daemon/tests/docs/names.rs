//! Every variable that the documentation and the stacks name exists.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Command;
use meshworker::cli::command;
use meshworker::config::setting::{GOSSIP, INIT, PROCESS, SETTINGS};
use meshworker::config::variable;
use meshworker_engines::registry::Kind;

use crate::page::{Page, root};

/// What is read without being a setting: the log's filter, and what developers
/// give to tests.
const FURTHER: [&str; 3] = ["MESHWORKER_LOG", "MESHWORKER_E2E", "MESHWORKER_ACTS"];

const PREFIX: &str = "MESHWORKER_";

fn of_command(command: &Command, names: &mut BTreeSet<String>) {
    let variables = command.get_arguments().filter_map(|arg| arg.get_env());
    names.extend(variables.map(|name| name.to_string_lossy().into_owned()));
    for inner in command.get_subcommands() {
        of_command(inner, names);
    }
}

/// Every variable that the program reads.
fn known() -> BTreeSet<String> {
    let mut names: BTreeSet<String> = FURTHER.map(str::to_owned).into();
    let settings = SETTINGS
        .iter()
        .chain(PROCESS)
        .chain(GOSSIP)
        .map(|setting| setting.name);
    let settings = settings.chain(INIT.iter().map(|setting| setting.name));
    names.extend(settings.map(variable));
    let options = Kind::ALL.iter().flat_map(|kind| kind.descriptor().options);
    names.extend(options.map(|option| variable(&format!("option-{}", option.name))));
    of_command(&command(), &mut names);
    names
}

fn is_part(c: char) -> bool {
    c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'
}

/// The names in a text that begin as the program's variables do. A bare prefix
/// is none.
fn named(text: &str) -> BTreeSet<String> {
    let found = text.match_indices(PREFIX).filter_map(|(at, _)| {
        let name: String = text[at..].chars().take_while(|c| is_part(*c)).collect();
        let inside = text[..at].chars().next_back().is_some_and(is_part);
        // `MESHWORKER_OPTION_` with a hole is no name either.
        (!inside && !name.ends_with('_')).then_some(name)
    });
    found.collect()
}

/// The manifests of each database for Kubernetes, and what they mount.
fn manifests() -> Vec<PathBuf> {
    let files = |folder: PathBuf| {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().path())
    };
    let databases = files(root().join("stack/kubernetes"));
    databases.flat_map(files).collect()
}

/// The stack files' texts, and the variables that they take from the shell.
fn stacks() -> (Vec<(String, String)>, BTreeSet<String>) {
    let mut texts = Vec::new();
    let mut own = BTreeSet::new();
    let stacks = std::fs::read_dir(root().join("stack")).unwrap();
    let stacks = stacks.map(|file| file.unwrap().path());
    for path in stacks.filter(|path| path.is_file()).chain(manifests()) {
        let text = std::fs::read_to_string(&path).unwrap();
        let taken = text.split("${").skip(1);
        own.extend(taken.map(|rest| rest.chars().take_while(|c| is_part(*c)).collect()));
        texts.push((path.display().to_string(), text));
    }
    (texts, own)
}

#[test]
fn every_variable_that_is_named_exists() {
    let (mut texts, own) = stacks();
    let pages = Page::all().into_iter();
    texts.extend(pages.map(|page| (page.path, page.text)));
    let known = known();
    let mut wrong = Vec::new();
    for (path, text) in &texts {
        let unknown = named(text).into_iter();
        let unknown = unknown.filter(|name| !known.contains(name) && !own.contains(name));
        wrong.extend(unknown.map(|name| format!("{path}: {name}")));
    }
    assert!(wrong.is_empty(), "no such variable:\n{}", wrong.join("\n"));
}

#[test]
fn names_are_found() {
    let found = named("`MESHWORKER_A_1`, MESHWORKER_ and XMESHWORKER_B");
    assert_eq!(found, BTreeSet::from(["MESHWORKER_A_1".to_owned()]));
    assert!(known().contains("MESHWORKER_OPTION_REPLICAS_PER_MASTER"));
    assert!(!known().contains("MESHWORKER_NOTHING"));
}
