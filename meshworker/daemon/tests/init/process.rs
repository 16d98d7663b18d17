//! What a first process owes its children, and those who started it.

use std::num::NonZeroI32;

use rustix::process::{Pid, Signal};

use super::support::{DATABASE, FakeWorker, Supervisor, in_place, init, wait_for};

#[test]
fn the_databases_exit_code_is_kept() {
    for (script, code) in [
        ("exit 0", 0),
        ("exit 3", 3),
        ("exit 255", 255),
        ("kill -9 $$", 137),
        ("kill -SEGV $$", 139),
    ] {
        let mut supervisor = init().script(script);
        assert_eq!(supervisor.code(), code, "{script}: {}", supervisor.log());
        supervisor.wait_for_log(&format!("the database has ended with exit code {code}"));
    }
}

#[test]
fn a_server_in_the_background_is_found_however_its_launcher_has_ended() {
    for end in ["exit 0", "exit 3", "kill -9 $$"] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid").display().to_string();
        let server = format!(
            "trap \"echo stopped.; exit 7\" TERM; sleep 0.2; echo $$ > {file}; echo server up; \
             while :; do sleep 0.05; done"
        );
        let start = init().with("pid-file", &file);
        let mut supervisor = start.script(&format!("sh -c '{server}' & {end}"));
        supervisor.wait_for_out("server up");
        supervisor.signal(Signal::TERM);
        assert_eq!(supervisor.code(), 7, "{end}: {}", supervisor.log());
        assert!(supervisor.out().contains("stopped."), "{end}");
    }
    let mut nobody = init().with("pid-file", "/nowhere/pid").script("exit 3");
    assert_eq!(nobody.code(), 3);
}

#[test]
fn a_command_that_cannot_be_started_is_one_clear_line() {
    let mut missing = init().command(&["no-such-database"]);
    assert_eq!(missing.code(), 127);
    let log = missing.log();
    assert!(
        log.lines()
            .last()
            .unwrap()
            .starts_with("meshworker: no-such-database: No such file"),
        "{log}"
    );
    let mut unfit = init().command(&["/etc/passwd"]);
    assert_eq!(unfit.code(), 126);
    assert!(
        unfit
            .log()
            .contains("meshworker: /etc/passwd: Permission denied")
    );
}

#[test]
fn a_database_that_dies_at_start_is_told_to_the_workers() {
    let worker = FakeWorker::start(in_place);
    let port = worker.port().to_string();
    let mut supervisor = init().with("workers-port", &port).script("exit 4");
    assert_eq!(supervisor.code(), 4);
    worker.wait_for_phase("stopping");
}

#[test]
fn signals_are_passed_on() {
    let script = "for s in HUP USR1 USR2 ALRM WINCH; do trap \"echo got $s.\" $s; done
        trap 'exit 9' CONT; echo database up; while :; do sleep 0.05; done";
    let mut supervisor = init().script(script);
    supervisor.wait_for_out("database up");
    for (signal, name) in [
        (Signal::HUP, "HUP"),
        (Signal::USR1, "USR1"),
        (Signal::USR2, "USR2"),
        (Signal::ALARM, "ALRM"),
        (Signal::WINCH, "WINCH"),
    ] {
        supervisor.signal(signal);
        supervisor.wait_for_out(&format!("got {name}."));
    }
    supervisor.signal(Signal::CONT);
    assert_eq!(supervisor.code(), 9);
}

#[test]
fn a_variable_that_is_no_text_ended_the_first_process() {
    let print = ["/bin/sh", "-c", "printf %s \"$X\" | od -An -tx1"];
    let start = init()
        .variable(b"X", b"\xff")
        .variable(b"MESHWORKER_\xff", b"\xfe");
    let mut supervisor = start.command(&print);
    assert_eq!(supervisor.code(), 0, "{}", supervisor.log());
    assert_eq!(
        supervisor.out().trim(),
        "ff",
        "the database gets it as it is"
    );
    let mut ours = init()
        .variable(b"MESHWORKER_OPTION_X", b"\xff")
        .script("exit 0");
    assert_eq!(ours.code(), 2);
    let log = ours.log();
    assert!(
        log.starts_with("meshworker: MESHWORKER_OPTION_X: found '"),
        "{log}"
    );
    assert_eq!(log.lines().count(), 1, "{log}");
}

#[test]
fn the_database_gets_default_signals_and_an_empty_mask() {
    let mut supervisor = init().command(&["grep", "^Sig[BI]", "/proc/self/status"]);
    assert_eq!(supervisor.code(), 0);
    for line in supervisor.out().lines() {
        let (name, mask) = line.split_once(":\t").unwrap();
        // The numbers from 32 on are the C library's own.
        let mask = u64::from_str_radix(mask, 16).unwrap() & 0x7fff_ffff;
        assert_eq!(mask, 0, "{name}");
    }
    assert_eq!(supervisor.out().lines().count(), 2);
}

/// Orphans of the database become the supervisor's children.
const ORPHANS: &str = "for i in 1 2 3 4 5 6 7 8; do (sleep 0.3 & ); done; echo orphaned
    while :; do sleep 0.05; done";

fn reaps(supervisor: &Supervisor) {
    supervisor.wait_for_out("orphaned");
    wait_for("one child, and no zombie", || {
        let children = supervisor.children();
        match children.as_slice() {
            [(_, state)] if *state != 'Z' => Ok(()),
            _ => Err(format!("{children:?}")),
        }
    });
}

#[test]
fn orphans_are_reaped() {
    reaps(&init().script(ORPHANS));
}

#[test]
fn orphans_are_reaped_by_a_first_process() {
    let unshare = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];
    let may = std::process::Command::new(unshare[0])
        .args(&unshare[1..])
        .arg("true")
        .status();
    if !may.is_ok_and(|status| status.success()) {
        return meshworker_needs::missing(
            "the right to make a process namespace",
            "run this as root",
        );
    }
    let mut supervisor = init().under(&unshare).script(ORPHANS);
    supervisor.wait_for_out("orphaned");
    let started_by = supervisor.pid.as_raw_nonzero();
    let children = format!("/proc/{started_by}/task/{started_by}/children");
    let inner: NonZeroI32 = wait_for("the first process", || {
        let text = std::fs::read_to_string(&children).unwrap();
        text.trim().parse().map_err(|_| text)
    });
    supervisor.pid = Pid::from_raw(inner.get()).unwrap();
    reaps(&supervisor);
}

#[test]
fn a_flood_of_output_passes_untouched() {
    let script = "i=0; while [ $i -lt 40 ]; do head -c 100000 /dev/zero | tr '\\0' x; echo $i; i=$((i+1)); done
        head -c 3000000 /dev/zero | tr '\\0' e >&2; exit 5";
    let mut supervisor = init().script(script);
    assert_eq!(supervisor.code(), 5);
    let expected: String = (0..40)
        .map(|i| format!("{}{i}\n", "x".repeat(100_000)))
        .collect();
    assert!(supervisor.out() == expected, "{}", supervisor.out().len());
    // The supervisor's own lines stand between.
    let errors = supervisor.log().matches('e').count();
    assert!(errors >= 3_000_000, "{errors}");
}

#[test]
fn an_idle_supervisor_is_small_and_does_nothing() {
    let worker = FakeWorker::start(in_place);
    let port = worker.port().to_string();
    let supervisor = init().with("workers-port", &port).script(DATABASE);
    let heard = |least: usize| {
        wait_for("announcements", || {
            let heard = worker.heard().len();
            (heard >= least).then_some(()).ok_or(format!("{heard}"))
        });
    };
    heard(2);
    let pid = supervisor.pid.as_raw_nonzero();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let anonymous = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"))
        .unwrap();
    let kilobytes: u64 = anonymous.trim().trim_end_matches(" kB").parse().unwrap();
    // Its code and constants are shared with every other one on the machine,
    // and are larger in a debug build.
    assert!(kilobytes < 5_000, "{status}");
    // One announcement a second is all that it does.
    let ticks = || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        let ticks = fields.split(' ').skip(11).take(2);
        ticks
            .map(|ticks| ticks.parse::<u32>().unwrap())
            .sum::<u32>()
    };
    let before = ticks();
    heard(4);
    let used = ticks() - before;
    assert!(used < 20, "{used} hundredths of a second");
}
