//! The server held against its own document, by schemathesis.

use std::path::PathBuf;
use std::process::Command;

use super::office::{Office, Opening, TOKEN};
use super::support::World;

/// Where the program is; `cargo xtask test` sets it.
const PROGRAM: &str = "MESHWORKER_SCHEMATHESIS";

#[tokio::test(flavor = "multi_thread")]
async fn the_server_does_what_its_document_says() {
    let Some(program) = std::env::var_os(PROGRAM) else {
        eprintln!("left out: {PROGRAM} does not say where schemathesis is; cargo xtask test does");
        return;
    };
    let world = World::formed([1, 2]).await;
    let office = Office::open(&world, Opening::default()).await;
    office.one(2).await;
    for token in [Some(TOKEN), None] {
        let config = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/api/schemathesis.toml");
        let url = format!("http://{}/v1/openapi.json", office.address);
        let scratch = tempfile::tempdir().unwrap();
        let mut command = Command::new(&program);
        command
            .arg("--config-file")
            .arg(config)
            .args([
                "run",
                &url,
                "--checks",
                "all",
                "--max-examples",
                "20",
                "--phases",
                "examples,coverage,fuzzing",
                "--no-shrink",
                "--workers",
                "2",
            ])
            // It has no end.
            .args(["--exclude-path", "/v1/events/stream"])
            .args(["--request-timeout", "20", "--no-color"])
            .current_dir(scratch.path());
        if let Some(token) = token {
            command.args(["-H", &format!("Authorization: Bearer {token}")]);
        }
        let run = tokio::task::spawn_blocking(move || command.output().unwrap())
            .await
            .unwrap();
        let text = String::from_utf8_lossy(&run.stdout).into_owned();
        let errors = String::from_utf8_lossy(&run.stderr);
        assert!(run.status.success(), "{text}\n{errors}");
        let closing = text.lines().rev().find(|line| !line.trim().is_empty());
        let with = if token.is_some() { "with" } else { "without" };
        println!(
            "schemathesis {with} the token: {}",
            closing.unwrap_or_default().trim_matches(['=', ' '])
        );
    }
    assert_eq!(office.get("/v1/health").await.status, 200);
    office.close().await;
}
