//! Tables of routes, of statuses and of exit codes, compared with the program.

use std::collections::BTreeSet;

use clap::Command;
use meshworker::cli::command;
use meshworker::operators::document;
use meshworker::process::Failed;

use crate::page::Page;

/// What is answered to whoever asks for no operation at all, or by another name.
const OF_NO_OPERATION: [&str; 3] = ["404", "405", "421"];

/// The rows of the table with this head, each a list of cells.
fn rows(page: &str, head: &str) -> Vec<Vec<String>> {
    let text = Page::read(page).text;
    let (_, rest) = text.split_once(&format!("\n| {head} |")).unwrap();
    let rows = rest
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells = row.trim_matches('|').split(" | ");
        cells.map(|cell| cell.trim().to_owned()).collect()
    })
    .collect()
}

fn firsts(page: &str, head: &str) -> BTreeSet<String> {
    let rows = rows(page, head).into_iter();
    rows.map(|row| row[0].trim_matches('`').to_owned())
        .collect()
}

/// The API's operations, as `METHOD path` and what each may be answered with.
fn operations() -> Vec<(String, BTreeSet<String>)> {
    let document = serde_json::to_value(document()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let answers = operation["responses"]
                .as_object()
                .map(|all| all.keys().cloned());
            if let Some(answers) = answers {
                operations.push((format!("{method} {path}"), answers.collect()));
            }
        }
    }
    operations
}

#[test]
fn the_tables_of_routes_are_those_of_the_api() {
    let page = "docs/api.md";
    let path = |name: &str| {
        name.replace("CLUSTER", "{cluster}")
            .replace("MEMBER", "{member}")
    };
    let read = firsts(page, "GET | answers");
    let read = read.iter().map(|name| format!("get {}", path(name)));
    let orders = ["/v1/clusters/CLUSTER/", "/v1/group/"].map(|below| {
        let orders = firsts(page, &format!("POST to `{below}` | body | answer"));
        let orders = orders
            .iter()
            .map(|name| format!("post {}{name}", path(below)));
        orders.collect::<Vec<_>>()
    });
    let mut told: BTreeSet<String> = read.chain(orders.concat()).collect();
    assert!(told.remove("get /"), "the dashboard is no operation");
    let prose = Page::read(page).inline_code().into_iter();
    told.extend(prose.filter_map(|(_, code)| Some(format!("put {}", code.strip_prefix("PUT ")?))));
    let known: BTreeSet<String> = operations().into_iter().map(|(name, _)| name).collect();
    assert_eq!(told, known);
}

#[test]
fn the_table_of_statuses_is_that_of_the_api() {
    let told = rows("docs/api.md", "status | means").into_iter();
    let told: BTreeSet<String> = told
        .flat_map(|row| row[0].split(", ").map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let known = operations().into_iter().flat_map(|(_, answers)| answers);
    let mut known: BTreeSet<String> = known.filter(|status| !status.starts_with('2')).collect();
    known.extend(OF_NO_OPERATION.map(str::to_owned));
    assert_eq!(told, known);
}

/// The exit codes in a command's help, and what each is said to mean.
fn codes(command: &Command) -> Option<Vec<(String, String)>> {
    let help = command.get_after_help()?.to_string();
    let (_, codes) = help.split_once("Exit codes:\n")?;
    let codes = codes.lines().map_while(|line| line.trim().split_once("  "));
    Some(
        codes
            .map(|(code, is)| (code.to_owned(), is.to_owned()))
            .collect(),
    )
}

#[test]
fn the_tables_of_exit_codes_are_those_of_the_program() {
    let failed = [Failed::Goal(String::new()), Failed::Input(String::new())];
    let failed = failed.iter().map(|failed| failed.exit_code().to_string());
    let known: BTreeSet<String> = failed.chain(["0".to_owned()]).collect();
    for page in ["docs/commands.md", "docs/operations.md"] {
        assert_eq!(firsts(page, "code | is"), known, "{page}");
    }
    let mut seen = 0;
    for command in command().get_subcommands() {
        if let Some(codes) = codes(command) {
            seen += 1;
            let codes: BTreeSet<String> = codes.into_iter().map(|(code, _)| code).collect();
            assert_eq!(codes, known, "{}", command.get_name());
        }
    }
    assert!(seen > 10, "only {seen} commands say what they exit with");
    let command = command();
    let doctor = codes(command.find_subcommand("doctor").unwrap()).unwrap();
    let told = rows("docs/doctor.md", "exit code | is").into_iter();
    let told: Vec<_> = told.map(|row| (row[0].clone(), row[1].clone())).collect();
    assert_eq!(told, doctor);
}

#[test]
fn a_table_is_found_by_its_head() {
    let first = &rows("docs/commands.md", "code | is")[0];
    assert_eq!(first[0], "0");
    assert!(operations().len() > 15, "{:?}", operations());
}
