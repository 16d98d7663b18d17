//! Bad input of the API's settings is one line and exit code 2.

use std::process::Command;

/// The one line that these flags are answered with.
fn refused(flags: &[&str], code: i32) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_meshworker"))
        .args(["run", "--servicename", "db", "--docker", "no"])
        .args(flags)
        .env_clear()
        .env("MESHWORKER_LOG", "off")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{flags:?}: {text}");
    assert_eq!(text.lines().count(), 1, "{flags:?}: {text}");
    text.trim_end().to_owned()
}

#[test]
fn what_the_api_cannot_use_is_named_in_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (empty, junk) = (file("empty", "\n"), file("junk", "nothing of use, secret"));
    let at = ["--api-listen", "127.0.0.1:0"];
    let with = |more: &[&str]| refused(&[&at[..], more].concat(), 2);
    for address in [
        "nonsense",
        "4748",
        ":4748",
        "127.0.0.1",
        "127.0.0.1:99999",
        "db:4748",
    ] {
        assert_eq!(
            refused(&["--api-listen", address], 2),
            format!(
                "meshworker: api-listen (flag): found '{address}'; allowed: ADDR:PORT, such as 0.0.0.0:4748"
            )
        );
    }
    assert_eq!(
        with(&["--api-token-file", &empty]),
        format!(
            "meshworker: api-token-file (flag): {empty}: found nothing in it; write the secret into it"
        )
    );
    let line = with(&["--api-token-file", "/nowhere"]);
    assert!(
        line.contains("api-token-file (flag): /nowhere: No such file"),
        "{line}"
    );
    assert_eq!(
        with(&["--api-cert-file", &junk]),
        "meshworker: api-key-file (default): found nothing beside api-cert-file; allowed: both files or none"
    );
    assert_eq!(
        with(&["--api-key-file", &junk]),
        "meshworker: api-cert-file (default): found nothing beside api-key-file; allowed: both files or none"
    );
    for cert in [&junk, &empty, "/nowhere"] {
        let line = with(&["--api-cert-file", cert, "--api-key-file", &junk]);
        assert!(
            line.starts_with(&format!("meshworker: api-cert-file (flag): {cert}: ")),
            "{line}"
        );
        assert!(!line.contains("secret"), "{line}");
    }
    let line = with(&["--once"]);
    assert!(
        line.contains("once (flag): found it beside listen, api-listen"),
        "{line}"
    );
}

#[test]
fn an_address_in_use_is_one_line_and_exit_code_one() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let line = refused(&["--api-listen", &address], 1);
    assert!(
        line.starts_with(&format!("meshworker: api-listen: {address}: Address")),
        "{line}"
    );
}
