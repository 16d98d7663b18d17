//! The server held against its own document once more, by an outside fuzzer: schemathesis. What is promised is proven
//! by [`contract`](super::contract); this looks further.

mod outcome;

use std::path::PathBuf;
use std::process::{Command, Output};

use super::office::{Office, Opening, TOKEN};
use super::support::World;
use outcome::Outcome;

/// Where the program is; `cargo xtask test --all` sets it.
const PROGRAM: &str = "MESHWORKER_SCHEMATHESIS";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the long tier: cargo xtask test --all"]
async fn the_server_does_what_its_document_says() {
    let Some(program) = std::env::var_os(PROGRAM) else {
        return meshworker_needs::missing("schemathesis", "cargo xtask test --all brings it");
    };
    let world = World::formed([1, 2]).await;
    let office = Office::open(&world, Opening::default()).await;
    office.one(2).await;
    let url = format!("http://{}/v1/openapi.json", office.address);
    for (with, token) in [("with", Some(TOKEN)), ("without", None)] {
        let command = command(&program, &url, token);
        let run = tokio::task::spawn_blocking(|| run(command)).await.unwrap();
        let [text, errors] = [&run.stdout, &run.stderr].map(|bytes| String::from_utf8_lossy(bytes));
        match Outcome::of(run.status.code(), &format!("{text}\n{errors}")) {
            Outcome::Passed => {}
            Outcome::Found(report) => panic!("found {with} the token:\n{report}"),
            Outcome::ToolFailed(last) => panic!("the tool failed ({}):\n{last}", run.status),
        }
        let closing = text.lines().rev().find(|line| !line.trim().is_empty());
        let closing = closing.unwrap_or_default().trim_matches(['=', ' ']);
        println!("schemathesis {with} the token: {closing}");
    }
    assert_eq!(office.get("/v1/health").await.status, 200);
    office.close().await;
}

fn command(program: &std::ffi::OsStr, url: &str, token: Option<&str>) -> Command {
    let config = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/api/schemathesis.toml");
    let mut command = Command::new(program);
    command
        .arg("--config-file")
        .arg(config)
        .args(["run", url, "--checks", "all", "--max-examples", "20"])
        .args(["--phases", "examples,coverage,fuzzing", "--no-shrink"])
        .args(["--workers", "1", "--request-timeout", "20", "--no-color"])
        // It has no end.
        .args(["--exclude-path", "/v1/events/stream"]);
    if let Some(token) = token {
        command.args(["-H", &format!("Authorization: Bearer {token}")]);
    }
    command
}

/// Runs it to its end, in a folder of its own.
fn run(mut command: Command) -> Output {
    let scratch = tempfile::tempdir().unwrap();
    command.current_dir(scratch.path()).output().unwrap()
}
