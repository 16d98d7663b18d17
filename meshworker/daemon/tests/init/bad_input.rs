//! Bad input is one line and exit code 2, before the database is started.

use std::io::Write;

use rustix::process::Signal;

use super::support::{Supervisor, init, wait_for};

/// The one line of a supervisor that does not start its database.
fn refused(change: (&str, Option<&str>)) -> String {
    let files = tempfile::TempDir::new().unwrap();
    let started = files.path().join("started");
    let start = match change {
        (name, Some(value)) => init().with(name, value),
        (name, None) => init().without(name),
    };
    let mut supervisor = start.command(&["touch", &started.display().to_string()]);
    let code = supervisor.code();
    let log = supervisor.log();
    assert_eq!(code, 2, "{log}");
    assert_eq!(log.lines().count(), 1, "{log}");
    assert!(!started.exists(), "the database was started");
    log.trim_end().to_owned()
}

#[test]
fn each_mistake_is_one_line_before_the_database_is_started() {
    let empty = tempfile::NamedTempFile::new().unwrap();
    let mut blank = tempfile::NamedTempFile::new().unwrap();
    blank.write_all(b" \n").unwrap();
    let (empty, blank) = (
        empty.path().display().to_string(),
        blank.path().display().to_string(),
    );
    let cases = [
        (
            "engine",
            Some("mysql"),
            "engine (flag): found 'mysql'; allowed: ",
        ),
        ("servicename", None, "servicename (default): found nothing"),
        (
            "token-file",
            None,
            "token-file (default): found nothing; allowed: a file, given by --token-file or MESHWORKER_TOKEN_FILE",
        ),
        (
            "token-file",
            Some("/nowhere"),
            "token-file (flag): found /nowhere: No such file",
        ),
        ("token-file", Some(&empty), "found nothing in it"),
        ("token-file", Some(&blank), "found nothing in it"),
        (
            "slot",
            Some("{{.Task.Slot}}"),
            "slot (flag): found '{{.Task.Slot}}'; allowed: what Swarm makes of",
        ),
        (
            "slot",
            Some("x"),
            "slot (flag): found 'x'; allowed: what Swarm makes of {{.Task.Slot}}",
        ),
        (
            "service",
            None,
            "service (default): found nothing; allowed: what Swarm makes of {{.Service.Name}}",
        ),
        (
            "task",
            Some("{{.Task.ID}}"),
            "task (flag): found '{{.Task.ID}}'",
        ),
        ("node", None, "node (default): found nothing"),
        ("workers", Some("a b"), "workers (flag): found 'a b'"),
        (
            "workers-port",
            Some("70000"),
            "workers-port (flag): found '70000'; allowed: 1 to 65535",
        ),
        (
            "address",
            Some("db"),
            "address (flag): found 'db'; allowed: an IP address",
        ),
        (
            "grace",
            Some("10m"),
            "grace (flag): found '10m'; allowed: seconds",
        ),
        (
            "stop-time",
            Some("10"),
            "stop-time (flag): found '10'; allowed: less than grace, which is 10 s",
        ),
        (
            "labels",
            Some("true"),
            "unexpected value 'true' for '--labels'",
        ),
        (
            "no-such-flag",
            Some("1"),
            "found '--no-such-flag', which is no option here",
        ),
    ];
    for (name, value, expected) in cases {
        let line = refused((name, value));
        assert!(line.starts_with("meshworker: "), "{line}");
        assert!(line.contains(expected), "{line}");
    }
}

#[test]
fn no_command_is_one_line() {
    let mut supervisor = init().command(&[]);
    assert_eq!(supervisor.code(), 2);
    assert_eq!(
        supervisor.log(),
        "meshworker: command: found nothing; allowed: the database's command line, after --\n"
    );
}

#[test]
fn an_address_that_cannot_be_chosen_is_one_line_with_all_candidates() {
    let files = tempfile::TempDir::new().unwrap();
    let started = files.path().join("started");
    let mut supervisor = init()
        .without("address")
        .with("subnet", "203.0.113.0/24")
        .command(&["touch", &started.display().to_string()]);
    assert_eq!(supervisor.code(), 2);
    let log = supervisor.log();
    assert_eq!(log.lines().count(), 1, "{log}");
    let expected = "meshworker: address: found no address (";
    assert!(log.starts_with(expected), "{log}");
    assert!(
        log.contains("127.0.0.1 on lo: outside 203.0.113.0/24"),
        "{log}"
    );
    assert!(!started.exists());
}

#[test]
fn an_address_is_chosen_by_subnet() {
    let mut supervisor = init()
        .without("address")
        .with("subnet", "127.0.0.0/8")
        .script("exit 0");
    assert_eq!(supervisor.code(), 0);
    assert!(
        supervisor
            .log()
            .contains("address 127.0.0.1 on lo is taken")
    );
}

/// A supervisor that waits for DNS to tell which address is meant.
fn waiting(started: &std::path::Path) -> Supervisor {
    init()
        .without("address")
        .with("network", "stack_net")
        .command(&["touch", &started.display().to_string()])
}

#[test]
fn an_address_that_dns_does_not_tell_is_waited_for_and_then_refused() {
    let files = tempfile::TempDir::new().unwrap();
    let started = files.path().join("started");
    let mut supervisor = waiting(&started);
    assert_eq!(supervisor.code(), 2);
    let log = supervisor.log();
    assert_eq!(log.lines().count(), 1, "{log}");
    assert!(
        log.contains("by what DNS has for network stack_net"),
        "{log}"
    );
    assert!(!started.exists());
}

#[test]
fn whoever_waits_for_its_address_can_be_stopped() {
    let files = tempfile::TempDir::new().unwrap();
    let started = files.path().join("started");
    let mut supervisor = waiting(&started);
    let status = format!("/proc/{}/status", supervisor.pid.as_raw_nonzero());
    // Bit 14 is SIGTERM.
    wait_for("a handler for SIGTERM", || {
        let status = std::fs::read_to_string(&status).unwrap();
        let caught = status
            .lines()
            .find_map(|line| line.strip_prefix("SigCgt:\t"));
        let mask = u64::from_str_radix(caught.unwrap_or("0"), 16).unwrap();
        (mask & (1 << 14) != 0).then_some(()).ok_or(status)
    });
    supervisor.signal(Signal::TERM);
    assert_eq!(supervisor.code(), 143);
    assert!(!started.exists());
}
