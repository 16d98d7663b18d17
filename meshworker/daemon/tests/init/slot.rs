//! One slot has one directory: successors wait for their predecessors.

use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::support::{
    DATABASE, FakeWorker, Start, Supervisor, held, in_place, init, may_start, released,
    runs_elsewhere, wait_for,
};

/// A database that writes who it is into its directory, says who was there
/// before, and stops when it is asked to.
const WRITES: &str = "trap 'echo database stops; exit 7' TERM
    echo \"in $(basename $PWD) after $(cat who 2>/dev/null)\"; echo $MESHWORKER_TEST > who
    echo database up; while :; do sleep 0.05; done";

/// A member of slot 2 with its directory on this volume.
fn member(volume: &TempDir, task: &str, worker: &FakeWorker) -> Supervisor {
    start(volume, task, worker).script(WRITES)
}

fn start(volume: &TempDir, task: &str, worker: &FakeWorker) -> Start {
    init()
        .with("data-dir", &volume.path().display().to_string())
        .with("task", task)
        .with("workers-port", &worker.port().to_string())
        .with("grace", "600")
        .variable(b"MESHWORKER_TEST", task.as_bytes())
}

/// Lets everybody start, and everybody who leaves wait or go.
fn worker(leaving: fn(&Value) -> (u16, Value)) -> FakeWorker {
    FakeWorker::start(answers(leaving))
}

fn answers(leaving: fn(&Value) -> (u16, Value)) -> impl FnMut(&Value) -> (u16, Value) {
    move |told| match told["phase"].as_str() {
        Some("waiting") => may_start(told),
        Some("leaving") => leaving(told),
        _ => in_place(told),
    }
}

fn directories(volume: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(volume).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn a_successor_that_was_started_beside_its_predecessor_took_another_directory() {
    let volume = TempDir::new().unwrap();
    let worker = worker(held);
    let mut old = member(&volume, "old", &worker);
    old.wait_for_out("in slot-2 after \ndatabase up");
    old.wait_for_log("in its place");
    old.signal(Signal::TERM);
    old.wait_for_log("waits: release gate 5");
    // Swarm waits one minute, and then no longer.
    let mut new = member(&volume, "new", &worker);
    new.wait_for_log("waits to start its database: slot-2 is still used by task old");
    worker.wait_for_phase("waiting");
    let (line, code) = new.health();
    assert_eq!(
        (line.as_str(), code),
        (
            "unhealthy: waits to start: slot-2 is still used by task old",
            1
        )
    );
    assert!(new.out().is_empty(), "{}", new.out());
    worker.set(answers(released));
    assert_eq!(old.code(), 7);
    new.wait_for_out("in slot-2 after old\ndatabase up");
    assert_eq!(directories(volume.path()), ["slot-2"]);
    let log = new.log();
    assert_eq!(log.matches("waits to start").count(), 1, "{log}");
    new.signal(Signal::TERM);
    assert_eq!(new.code(), 7);
}

#[test]
fn whoever_crashes_in_whatever_order_the_next_one_has_the_same_directory() {
    let volume = TempDir::new().unwrap();
    let worker = worker(held);
    let first = member(&volume, "first", &worker);
    first.wait_for_out("database up");
    let second = member(&volume, "second", &worker);
    second.wait_for_log("slot-2 is still used by task first");
    // The one that waits dies, then the one that is waited for.
    second.signal(Signal::KILL);
    drop(second);
    let third = member(&volume, "third", &worker);
    third.wait_for_log("slot-2 is still used by task first");
    drop(first);
    third.wait_for_out("in slot-2 after first\ndatabase up");
    // Both die.
    let fourth = member(&volume, "fourth", &worker);
    fourth.wait_for_log("slot-2 is still used by task third");
    drop((third, fourth));
    let fifth = member(&volume, "fifth", &worker);
    fifth.wait_for_out("in slot-2 after third\ndatabase up");
    assert_eq!(directories(volume.path()), ["slot-2"]);
}

#[test]
fn a_database_that_outlives_its_supervisor_is_waited_for_too() {
    let volume = TempDir::new().unwrap();
    let worker = worker(held);
    // It ends with the test at the latest: its directory goes then.
    let script = "echo $$ > pid; echo database up; while [ -e pid ]; do sleep 0.05; done";
    let old = start(&volume, "old", &worker).command(&["/bin/sh", "-c", script]);
    old.wait_for_out("database up");
    let pid = std::fs::read_to_string(volume.path().join("slot-2/pid")).unwrap();
    kill_process(old.pid, Signal::KILL).unwrap();
    let new = member(&volume, "new", &worker);
    new.wait_for_log("slot-2 is still used by task old");
    assert!(!new.out().contains("database up"));
    kill_process(
        Pid::from_raw(pid.trim().parse().unwrap()).unwrap(),
        Signal::KILL,
    )
    .unwrap();
    new.wait_for_out("database up");
}

#[test]
fn one_that_waits_stops_when_it_is_asked_to_and_disturbs_nobody() {
    let volume = TempDir::new().unwrap();
    let worker = worker(held);
    let mut old = member(&volume, "old", &worker);
    old.wait_for_out("database up");
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let mut new = member(&volume, "new", &worker);
        new.wait_for_log("waits to start its database");
        new.signal(signal);
        assert_eq!(new.code(), code);
        assert!(new.out().is_empty(), "{}", new.out());
    }
    assert!(old.runs());
}

#[test]
fn one_whose_slot_still_runs_on_another_node_waits_for_the_workers_word() {
    let volume = TempDir::new().unwrap();
    let worker = FakeWorker::start(runs_elsewhere);
    let member = member(&volume, "new", &worker);
    member
        .wait_for_log("waits to start its database: task other of this slot is leaving on node b");
    let heard = worker.heard().len();
    wait_for("more announcements", || {
        let now = worker.heard().len();
        (now >= heard + 3).then_some(()).ok_or(now.to_string())
    });
    assert!(directories(volume.path()).is_empty());
    worker.set(answers(held));
    member.wait_for_out("in slot-2 after \ndatabase up");
    assert_eq!(worker.wait_for_phase("waiting")["generation"], 1);
    assert_eq!(worker.wait_for_phase("present")["generation"], 2);
}

#[test]
fn without_any_worker_it_starts_after_a_while() {
    let volume = TempDir::new().unwrap();
    let member = init()
        .with("data-dir", &volume.path().display().to_string())
        .with("alone-after", "0.5")
        .script(DATABASE);
    member.wait_for_log("waits to start its database: no worker has said whether");
    member.wait_for_log("no worker has answered for 0.5 s: looks for its directory alone");
    member.wait_for_out("database up");
}
