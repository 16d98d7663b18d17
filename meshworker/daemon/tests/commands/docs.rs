//! docs/commands.md, held against the program.

use std::path::Path;

use meshworker::cli::show::{self, Bar, EventLines, Now, Style};
use meshworker::status::Topology;

use crate::story;

/// What a command shows in the docs.
fn example(name: &str) -> String {
    let style = &Style::PLAIN;
    let now = Now::after(story::TIME, 0.4);
    let busy = story::busy();
    let status = busy.status.clone().unwrap();
    match name {
        "meshworker status" => show::status(&busy, style),
        "meshworker members" => show::members(&status.members, style),
        "meshworker group" => show::group(&story::workers(), &[], style),
        "meshworker topology" => show::topology(&Topology::of(&story::replicas()), style),
        "meshworker plan" => show::plan("cache_redis", &status.plan, style),
        "meshworker why 4" => show::why(&story::why(), now, style),
        "meshworker events" => {
            let mut lines = EventLines::new(*style);
            let history = story::history();
            let lines: Vec<_> = history
                .iter()
                .flat_map(|event| lines.lines(event))
                .collect();
            lines.join("\n")
        }
        "meshworker drain cache_redis.4" => {
            let leaver = story::leaver();
            let mut bar = Bar::default();
            bar.count(
                0,
                1,
                Some(&meshworker::status::LeaverStatus {
                    left: Some(4096),
                    ..leaver.clone()
                }),
            );
            bar.count(0, 1, Some(&leaver)).line(style)
        }
        other => panic!("docs/commands.md shows an example of '{other}', which no test knows"),
    }
}

#[test]
fn the_examples_of_the_docs_are_those_of_the_program() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/commands.md");
    let found = std::fs::read_to_string(&path).unwrap();
    let mut parts = found.split("```text\n$ ");
    let mut expected = parts.next().unwrap().to_owned();
    let mut examples = 0;
    for part in parts {
        let (command, rest) = part.split_once('\n').unwrap();
        let (_, after) = rest.split_once("```\n").unwrap();
        expected += &format!("```text\n$ {command}\n{}\n```\n{after}", example(command));
        examples += 1;
    }
    assert_eq!(examples, 8);
    if std::env::var(story::UPDATE).is_ok_and(|value| value == "1") {
        std::fs::write(&path, expected).unwrap();
        return;
    }
    assert_eq!(found, expected, "{}=1 writes the examples", story::UPDATE);
}

#[test]
fn every_command_that_asks_has_a_section() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/commands.md");
    let text = std::fs::read_to_string(&path).unwrap();
    for command in [
        "status",
        "members",
        "events",
        "why",
        "plan",
        "hold",
        "resume",
        "forget",
        "acknowledge",
        "size",
        "group",
        "scale",
        "drain",
        "completions",
        "man",
    ] {
        let section = text.lines().filter(|line| line.starts_with("## "));
        assert!(
            section
                .clone()
                .any(|line| line.contains(&format!("`{command}"))),
            "{command}"
        );
    }
}
