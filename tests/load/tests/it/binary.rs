//! The binary: bad input is one line and exit code 2, and nobody to talk to is
//! no reason to hang at the end.

use std::process::{Command, Stdio};

const BINARY: &str = env!("CARGO_BIN_EXE_meshworker-load");

#[test]
fn bad_input_is_one_line_and_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().display().to_string();
    let empty = folder.path().join("empty");
    std::fs::write(&empty, "\n").unwrap();
    let empty = empty.display().to_string();
    for (more, named) in [
        (vec!["--records", "0"], "--records is 0"),
        (vec!["--rate", "0"], "--rate is 0"),
        (vec!["--password-file", "/nonexistent"], "/nonexistent"),
        (vec!["--password-file", &empty], "is empty"),
    ] {
        let output = Command::new(BINARY)
            .args(["redis", "fill", "--seed", "127.0.0.1", "--out", &out])
            .args(&more)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{more:?}: {said}");
        assert!(said.contains(named) && said.lines().count() == 1, "{said}");
    }
    let output = Command::new(BINARY).args(["mysql", "fill"]).output();
    assert_eq!(output.unwrap().status.code(), Some(2));
}

#[test]
fn a_run_without_a_database_ends_with_its_stdin() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(BINARY)
        .args(["redis", "run", "--seed", "127.0.0.1:1"])
        .arg("--out")
        .arg(folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    let report: meshworker_load::Report = serde_json::from_str(said.trim()).unwrap();
    assert_eq!((report.mark.as_str(), report.acknowledged), ("end", 0));
}
