//! Doctor refuses what Docker refuses, and nothing else: compared with what Docker
//! said of some hundred small stack files.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::process::{Command, Stdio};

use meshworker_doctor::finding::Severity;
use meshworker_doctor::stack::{Ground, diagnosis, of_texts};

const HEAD: &str = "version: \"3.13\"\nservices:\n  a:\n    image: acme/a:1\n";

/// What Docker said, and the whole file.
fn recorded() -> Vec<(&'static str, String)> {
    let blocks = include_str!("docker.txt").split("\n> ").skip(1);
    let cases = blocks.map(|block| {
        let (said, text) = block.split_once('\n').unwrap();
        (said, format!("{HEAD}{text}\n"))
    });
    cases.collect()
}

/// What doctor says that keeps a file from being deployed.
fn refused(folder: &std::path::Path, text: &str) -> Vec<String> {
    let file = folder.join("s.yml").display().to_string();
    let stack = match of_texts(&[(file, text.to_owned())], &|_| None) {
        Ok(stack) => stack,
        Err(why) => return vec![why.to_string()],
    };
    let findings = diagnosis(&Ground::of(stack)).findings.into_iter();
    let refusals = findings.filter(|found| {
        found.severity == Severity::Error && ["refused", "file-absent"].contains(&found.check)
    });
    refusals.map(|found| found.what).collect()
}

#[test]
fn what_docker_refuses_is_refused_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = recorded().into_iter().filter_map(|(said, text)| {
        let refused = refused(folder.path(), &text);
        (refused.is_empty() != (said == "takes")).then(|| format!("{said}\n{refused:?}\n{text}"))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether the record is still what Docker says.
#[test]
#[ignore = "it needs Docker 28 on the PATH"]
fn the_record_is_what_docker_says() {
    for (said, text) in recorded() {
        let mut docker = Command::new("docker")
            .args(["stack", "config", "-c", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut input = docker.stdin.take().unwrap();
        input.write_all(text.as_bytes()).unwrap();
        drop(input);
        let takes = docker.wait().unwrap().success();
        assert_eq!(takes, !said.starts_with("refuses"), "{said}\n{text}");
    }
}
