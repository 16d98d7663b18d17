//! `meshworker doctor` as a user meets it, and its page of documentation.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use meshworker::doctor as live;
use meshworker_doctor::{manifest, stack};
use serde_json::Value;

fn doctor(args: &[&str], env: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_meshworker"))
        .arg("doctor")
        .args(args)
        .env_clear()
        .envs(env.iter().copied())
        .output()
        .unwrap()
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn ours(name: &str) -> String {
    root().join("stack").join(name).display().to_string()
}

/// The one line that bad input is answered with.
fn refused(args: &[&str], env: &[(&str, &str)]) -> String {
    let output = doctor(args, env);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    text.trim_end().to_owned()
}

const BAD: &str = "services:\n  db:\n    image: db:1\n    command: [meshworker, init, --, db]\n    deploy:\n      endpoint_mode: ${MODE:-vip}\n";

#[test]
fn our_own_stack_files_have_no_error() {
    // Each file alone, or with the one that it adds to.
    let added = [
        ("aerospike-files", "aerospike"),
        ("allegrograph-ports", "allegrograph"),
        ("dashboard", "redis"),
        ("docker-api", "aerospike"),
        ("docker-api", "redis"),
        ("secrets", "redis"),
    ];
    let folder = std::fs::read_dir(root().join("stack")).unwrap();
    let files = folder.map(|file| file.unwrap().path());
    let files = files.filter(|file| file.extension().is_some_and(|end| end == "yml"));
    let names = files.map(|file| file.file_stem().unwrap().display().to_string());
    let alone = names.filter(|name| added.iter().all(|(more, _)| more != name));
    let alone: Vec<_> = alone.map(|name| vec![name]).collect();
    let together = added.map(|(more, to)| vec![to.to_owned(), more.to_owned()]);
    for names in alone.into_iter().chain(together) {
        let files: Vec<_> = names
            .iter()
            .map(|name| ours(&format!("{name}.yml")))
            .collect();
        let args: Vec<&str> = files.iter().flat_map(|file| ["--stack", file]).collect();
        let output = doctor(&[&args[..], &["--nodes", "3"]].concat(), &[]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{names:?}: {text}");
        assert!(
            text.lines().last().unwrap().starts_with("0 errors, "),
            "{text}"
        );
        let widest = text.lines().map(|line| line.chars().count()).max();
        assert!(widest.unwrap() <= 80, "{text}");
    }
}

#[test]
fn an_error_is_exit_code_1_and_warnings_are_0() {
    let bad = file(BAD);
    let path = bad.path().display().to_string();
    let output = doctor(&["--stack", &path], &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains(&format!("{path}:6\n")), "{text}");
    assert!(text.contains("Its endpoint mode is vip."), "{text}");

    let mended = doctor(&["--stack", &path], &[("MODE", "dnsrr")]);
    let text = String::from_utf8(mended.stdout).unwrap();
    assert!(!text.contains("endpoint-mode"), "{text}");
}

#[test]
fn json_has_every_part_of_a_finding() {
    let bad = file(BAD);
    let path = bad.path().display().to_string();
    let output = doctor(&["--json", "--stack", &path], &[("CLICOLOR_FORCE", "1")]);
    assert_eq!(output.status.code(), Some(1));
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = json["findings"].as_array().unwrap();
    let found = findings
        .iter()
        .find(|found| found["check"] == "endpoint-mode");
    let found = found.unwrap().as_object().unwrap();
    let keys: BTreeSet<&str> = found.keys().map(String::as_str).collect();
    let expected = [
        "check", "file", "instead", "line", "severity", "subject", "what", "why",
    ];
    assert_eq!(keys, BTreeSet::from(expected));
    assert_eq!(found["severity"], "error");
    assert_eq!(found["line"], 6);
    assert_eq!(found["file"], Value::from(path));
    assert_eq!(json["skipped"][0].as_object().unwrap().len(), 2);
    let errors = findings.iter().filter(|found| found["severity"] == "error");
    assert_eq!(json["summary"]["errors"], errors.count());
}

#[test]
fn what_cannot_be_used_is_one_line() {
    let line = refused(&["--stack", "/nowhere/s.yml"], &[]);
    assert!(
        line.starts_with("meshworker: /nowhere/s.yml: No such file"),
        "{line}"
    );

    let broken = file("services:\n  db: [1, 2\n  x: y\n");
    let path = broken.path().display().to_string();
    let line = refused(&["--stack", &path], &[]);
    assert!(
        line.starts_with(&format!("meshworker: {path}: line 3, column ")),
        "{line}"
    );

    let two = file("services:\n  db:\n    deploy: {replicas: \"${X:-a\\nb\\u2028c}\"}\n");
    let path = two.path().display().to_string();
    let line = refused(&["--stack", &path], &[]);
    assert!(line.contains("found 'a b c'"), "{line}");

    let needs = file("services:\n  db:\n    image: ${IMAGE:?which image}\n");
    let path = needs.path().display().to_string();
    let line = refused(&["--stack", &path], &[]);
    let expected = format!(
        "meshworker: {path}: line 3, column 5: IMAGE: found nothing; allowed: a value, which image"
    );
    assert_eq!(line, expected);

    let line = refused(&["--stack", &path, "--nodes", "0"], &[("IMAGE", "x")]);
    assert_eq!(
        line,
        "meshworker: nodes (flag): found '0'; allowed: a count from 1"
    );
    let line = refused(&["--stack", &path, "--port", "1"], &[("IMAGE", "x")]);
    assert!(
        line.contains("port (flag): found it beside stack"),
        "{line}"
    );
    let line = refused(&["--servicename", "db", "--port", "0"], &[]);
    assert!(line.contains("port (flag): found '0'"), "{line}");
    let line = refused(&["--workers-port", "x"], &[]);
    assert!(line.contains("workers-port: found 'x'"), "{line}");
}

#[test]
fn colours_are_for_terminals_and_not_with_no_color() {
    let bad = file(BAD);
    let path = bad.path().display().to_string();
    let shown = |env: &[(&str, &str)]| {
        let output = doctor(&["--stack", &path], env);
        output.stdout.contains(&0x1b)
    };
    assert!(!shown(&[]));
    assert!(
        shown(&[("CLICOLOR_FORCE", "1")]),
        "a terminal's output has colours"
    );
    assert!(!shown(&[("NO_COLOR", "1"), ("TERM", "xterm")]));
}

#[test]
fn without_a_socket_what_needs_it_is_skipped_and_that_is_no_error() {
    let engine = [("DOCKER_HOST", "unix:///nowhere/docker.sock")];
    let output = doctor(&["--json"], &engine);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let skipped: Vec<&str> = json["skipped"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["check"].as_str().unwrap())
        .collect();
    for check in ["dns-answer", "clock", "deployed"] {
        assert!(skipped.contains(&check), "{json:#}");
    }
    // What this machine's own name server is like is not this test's affair.
    let errors = json["summary"]["errors"].as_u64().unwrap();
    let code = i32::from(errors > 0);
    assert_eq!(output.status.code(), Some(code), "{json:#}");
    let findings = json["findings"].as_array().unwrap();
    let strange = findings
        .iter()
        .filter(|found| found["check"] != "name-server" && found["check"] != "mtu");
    assert_eq!(strange.count(), 0, "{json:#}");
}

#[test]
fn a_name_that_does_not_resolve_is_an_error() {
    let args = [
        "--servicename",
        "db",
        "--docker",
        "no",
        "--name-server",
        "127.0.0.1:1",
        "--dns-deadline",
        "0.2",
    ];
    let output = doctor(&args, &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("error dns-answer: cluster db\n"), "{text}");
}

/// Set to `1`, this variable lets the test write the tables instead.
const UPDATE: &str = "MESHWORKER_UPDATE_DOCS";

fn table(rows: impl Iterator<Item = (&'static str, &'static str)>) -> String {
    let mut table = String::from("\n| check | finds |\n|---|---|\n");
    for (name, finds) in rows {
        table += &format!("| `{name}` | {finds} |\n");
    }
    table + "\n"
}

#[test]
fn the_tables_of_the_documentation_are_the_checks_of_the_program() {
    let page = root().join("docs/doctor.md");
    let mut text = std::fs::read_to_string(&page).unwrap();
    let stack_checks = stack::checks::CHECKS
        .iter()
        .map(|check| (check.name, check.finds));
    let live_checks = live::checks::CHECKS
        .iter()
        .map(|check| (check.name, check.finds));
    let manifest_checks = manifest::checks::CHECKS
        .iter()
        .map(|check| (check.name, check.finds));
    let names: Vec<&str> = stack_checks
        .clone()
        .chain(live_checks.clone())
        .chain(manifest_checks.clone())
        .map(|(name, _)| name)
        .collect();
    let once: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(
        names.len(),
        once.len(),
        "two checks have one name: {names:?}"
    );
    let tables = [
        ("stack", table(stack_checks)),
        ("manifest", table(manifest_checks)),
        ("live", table(live_checks)),
    ];
    for (which, expected) in tables {
        let (begin, end) = (
            format!("<!-- {which} checks -->\n"),
            format!("<!-- /{which} checks -->"),
        );
        let (before, rest) = text.split_once(&begin).unwrap();
        let (found, after) = rest.split_once(&end).unwrap();
        if std::env::var(UPDATE).is_ok_and(|value| value == "1") {
            text = format!("{before}{begin}{expected}{end}{after}");
            std::fs::write(&page, &text).unwrap();
            continue;
        }
        assert_eq!(
            found, expected,
            "run this test with {UPDATE}=1 to write the tables"
        );
    }
}

/// What `kubectl kustomize` prints was taken for a stack file.
#[test]
fn manifests_from_standard_input_were_judged_as_a_stack_file() {
    let path = root().join("stack/kubernetes/redis/members.yaml");
    let output = Command::new(env!("CARGO_BIN_EXE_meshworker"))
        .args(["doctor", "--stack", "-"])
        .env_clear()
        .stdin(std::fs::File::open(path).unwrap())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("0 errors, "), "{text}");
}
