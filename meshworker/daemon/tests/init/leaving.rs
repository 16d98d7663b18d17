//! From the signal to the database's end.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::thread;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::support::{
    DATABASE, FakeWorker, Reply, Supervisor, held, in_place, init, listening, released, wait_for,
};

/// A member in its place, with this much grace.
fn member(worker: &FakeWorker, script: &str, grace: &str, stop: &str) -> Supervisor {
    let port = worker.port().to_string();
    let supervisor = init()
        .with("workers-port", &port)
        .with("grace", grace)
        .with("stop-time", stop)
        .script(script);
    supervisor.wait_for_out("database up");
    supervisor.wait_for_log("in its place: one cluster of 3 members");
    supervisor
}

#[test]
fn a_member_announces_itself() {
    let worker = FakeWorker::start(in_place);
    let _supervisor = member(&worker, DATABASE, "60", "5");
    let told = worker.heard()[0].clone();
    let expected = serde_json::json!({
        "cluster": "db.test",
        "service": "stack_db",
        "slot": 2,
        "task": "task-id",
        "node": "node-id",
        "address": "127.0.0.1",
        "phase": "present",
        "generation": 1,
    });
    assert_eq!(told, expected);
}

#[test]
fn it_is_held_while_the_database_runs_and_then_released() {
    let worker = FakeWorker::start(held);
    let mut supervisor = member(&worker, DATABASE, "600", "5");
    supervisor.signal(Signal::TERM);
    supervisor.wait_for_log("waits: release gate 5 is closed: 5461 slots; gone for good; number 1 of the queue; 5461 slots left");
    let before = worker.heard().len();
    wait_for("more announcements", || {
        let heard = worker.heard().len();
        (heard >= before + 3)
            .then_some(())
            .ok_or(format!("{heard}"))
    });
    assert!(supervisor.runs());
    assert!(!supervisor.out().contains("database stops"));
    worker.set(released);
    assert_eq!(supervisor.code(), 7);
    assert!(supervisor.out().contains("database stops"));
    assert!(
        supervisor
            .log()
            .contains("released by the workers (may stop)")
    );
    // One line for what did not change.
    assert_eq!(supervisor.log().matches("waits: release gate 5").count(), 1);
    assert_eq!(worker.wait_for_phase("leaving")["generation"], 2);
    assert_eq!(worker.wait_for_phase("stopping")["generation"], 3);
}

#[test]
fn one_worker_that_holds_is_enough() {
    let patient = FakeWorker::start(held);
    let port = patient.port();
    // Whoever is late is not waited for: so it never answers before the other one.
    let (answered, mut asked) = (patient.answered(), 0);
    let _hasty = FakeWorker::at(Ipv4Addr::new(127, 0, 0, 2), port, move |told| {
        asked += 1;
        wait_for("the other one's answer", || {
            let answered = answered();
            (answered >= asked)
                .then_some(())
                .ok_or(answered.to_string())
        });
        released(told)
    });
    let mut supervisor = init()
        .with("workers", "127.0.0.1,127.0.0.2")
        .with("workers-port", &port.to_string())
        .with("grace", "600")
        .script(DATABASE);
    supervisor.wait_for_log("in its place");
    supervisor.signal(Signal::TERM);
    supervisor.wait_for_log("waits: release gate 5 is closed");
    let before = patient.heard().len();
    wait_for("more announcements", || {
        let heard = patient.heard().len();
        (heard >= before + 3)
            .then_some(())
            .ok_or(format!("{heard}"))
    });
    assert!(supervisor.runs());
    patient.set(released);
    assert_eq!(supervisor.code(), 7);
}

/// What a worker answers that acts for its group under this fence.
fn under(fence: u64, rule: fn(&Value) -> Reply) -> impl Fn(&Value) -> Reply {
    move |told| {
        let (status, mut answer) = rule(told);
        answer["fence"] = fence.into();
        (status, answer)
    }
}

#[test]
fn of_several_workers_the_one_that_acted_last_is_heard() {
    let yields = |_: &Value| (421, json!({"error": "another worker acts: worker 1"}));
    let deposed = FakeWorker::start(under(7, held));
    let acts = FakeWorker::at(Ipv4Addr::new(127, 0, 0, 2), deposed.port(), yields);
    let mut supervisor = init()
        .with("workers", "127.0.0.1,127.0.0.2")
        .with("workers-port", &deposed.port().to_string())
        .with("grace", "600")
        .with("stop-time", "5")
        .script(DATABASE);
    supervisor.wait_for_log("in its place: one cluster of 3 members");
    supervisor.signal(Signal::TERM);
    supervisor.wait_for_log("waits: release gate 5");
    let log = supervisor.log();
    assert!(!log.contains("some workers do not answer"), "{log}");
    acts.set(under(9, held));
    wait_for("its fence to be told", || {
        let heard = deposed.heard();
        let told = heard.iter().any(|said| said["fence"] == 9);
        told.then_some(()).ok_or(format!("{:?}", heard.last()))
    });
    deposed.set(under(7, released));
    supervisor.wait_for_log("a worker that acts no more said so: fence 7, and 9 was heard");
    acts.set(yields);
    supervisor.wait_for_log("no worker answers: ");
    assert!(supervisor.runs());
    acts.set(under(9, released));
    assert_eq!(supervisor.code(), 7);
}

#[test]
fn a_verdict_on_an_earlier_phase_releases_nobody() {
    let worker = FakeWorker::start(|told| {
        let (status, mut answer) = released(told);
        if told["phase"] == "leaving" {
            answer["generation"] = 1.into();
        }
        (status, answer)
    });
    let mut supervisor = member(&worker, DATABASE, "600", "5");
    supervisor.signal(Signal::TERM);
    supervisor.wait_for_log("waits: a worker has not looked yet");
    assert!(supervisor.runs());
    worker.set(released);
    assert_eq!(supervisor.code(), 7);
}

#[test]
fn a_second_signal_is_obeyed_at_once() {
    for signal in [Signal::TERM, Signal::INT] {
        let worker = FakeWorker::start(held);
        let mut supervisor = member(&worker, DATABASE, "600", "5");
        supervisor.signal(Signal::TERM);
        supervisor.wait_for_log("waits: release gate 5");
        supervisor.signal(signal);
        assert_eq!(supervisor.code(), 7);
        assert!(supervisor.log().contains("asked to stop a second time"));
    }
}

#[test]
fn at_the_graces_end_it_stops_and_says_why_it_was_held() {
    let held_for = |seconds: u32| {
        let worker = FakeWorker::start(held);
        let grace = (60 + seconds).to_string();
        let mut supervisor = member(&worker, DATABASE, &grace, "60");
        supervisor.signal(Signal::TERM);
        assert_eq!(supervisor.code(), 7);
        supervisor.log()
    };
    // Where the machine is so busy that nothing is heard in the time, it gets more.
    let mut logs = [1, 10, 60].into_iter().map(held_for);
    let heard = |log: &String| !log.contains("No worker answered");
    let log = logs.find(heard).unwrap();
    assert!(
        log.contains("NOT RELEASED, and the grace period ends: stops the database all the same. Data may be lost. Last heard: waits: release gate 5 is closed: 5461 slots"),
        "{log}"
    );
}

#[test]
fn without_any_worker_it_stops_in_time_too() {
    let (_database, port) = listening();
    let mut supervisor = init()
        .with("service-port", &port.to_string())
        .with("grace", "61")
        .with("stop-time", "60")
        .script(DATABASE);
    supervisor.wait_for_out("database up");
    supervisor.wait_for_log("no worker answers: 127.0.0.1:1: Connection refused");
    supervisor.signal(Signal::TERM);
    assert_eq!(supervisor.code(), 7);
    let log = supervisor.log();
    assert!(
        log.contains("Data may be lost. No worker answered"),
        "{log}"
    );
    // Told once, not each second.
    assert_eq!(log.matches("no worker answers").count(), 1, "{log}");
}

#[test]
fn a_database_that_was_never_up_is_not_waited_for() {
    let mut supervisor = init().with("grace", "600").script(DATABASE);
    supervisor.wait_for_out("database up");
    supervisor.signal(Signal::TERM);
    assert_eq!(supervisor.code(), 7);
    assert!(supervisor.log().contains("the database has never answered"));
}

#[test]
fn the_stop_signal_of_an_image_bypassed_the_release() {
    for signal in ["INT", "QUIT", "37"] {
        let worker = FakeWorker::start(held);
        let mut supervisor = member(&worker, DATABASE, "600", "5");
        let pid = supervisor.pid.as_raw_nonzero().to_string();
        let kill = std::process::Command::new("kill")
            .args(["-s", signal, &pid])
            .status();
        assert!(kill.unwrap().success());
        supervisor.wait_for_log("waits: release gate 5");
        assert!(supervisor.runs());
        worker.set(released);
        assert_eq!(supervisor.code(), 7);
        // Its own polite signal, whatever came.
        assert!(supervisor.out().contains("database stops"), "{signal}");
    }
}

#[test]
fn a_released_database_that_refused_its_signal_hung_until_its_grace_ended() {
    let worker = FakeWorker::start(released);
    let refuses = "n=0; trap 'n=$((n+1)); echo asked $n; [ $n -lt 3 ] || exit 7' TERM
        echo database up; while :; do sleep 0.05; done";
    let mut supervisor = member(&worker, refuses, "600", "5");
    supervisor.signal(Signal::TERM);
    assert_eq!(supervisor.code(), 7);
    let log = supervisor.log();
    assert_eq!(log.matches("still runs: asks again").count(), 1, "{log}");
}

#[test]
fn a_database_that_was_still_loading_was_waited_for_until_the_grace_ended() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    // It ends with the test's process.
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let loading = "-LOADING Redis is loading the dataset in memory\r\n";
                let mut request = [0; 4096];
                while stream.read(&mut request).is_ok_and(|read| read > 0) {
                    let _ = stream.write_all(loading.repeat(8).as_bytes());
                }
            });
        }
    });
    let worker = FakeWorker::start(|told| {
        let (status, mut answer) = in_place(told);
        answer["in_place"] = false.into();
        (status, answer)
    });
    let mut supervisor = init()
        .with("workers-port", &worker.port().to_string())
        .with("service-port", &port.to_string())
        .with("grace", "600")
        .script(DATABASE);
    supervisor.wait_for_out("database up");
    supervisor.signal(Signal::TERM);
    assert_eq!(supervisor.code(), 7);
    supervisor.wait_for_log("the database is not up yet and was never in its place");
    supervisor.wait_for_log("LOADING Redis is loading");
}

#[test]
fn a_database_that_hangs_is_named_and_not_the_worker() {
    let (_hangs, port) = listening();
    let worker = FakeWorker::start(in_place);
    let mut supervisor = init()
        .with("workers-port", &worker.port().to_string())
        .with("service-port", &port.to_string())
        .with("grace", "600")
        .with("alone-after", "1")
        .script(DATABASE);
    supervisor.wait_for_log("in its place");
    supervisor.signal(Signal::TERM);
    supervisor.wait_for_log("the database itself does not answer: no answer before the deadline");
    supervisor.wait_for_log("no worker has had a verdict for 1 s: looks for itself");
    assert!(supervisor.runs());
    supervisor.signal(Signal::TERM);
    assert_eq!(supervisor.code(), 7);
}

#[test]
fn a_database_that_ignores_its_signal_is_killed_before_swarm_would() {
    let worker = FakeWorker::start(released);
    let stubborn = "trap '' TERM; echo database up; while :; do sleep 0.05; done";
    let mut supervisor = member(&worker, stubborn, "3", "1");
    supervisor.signal(Signal::TERM);
    assert_eq!(supervisor.code(), 137);
    let log = supervisor.log();
    assert!(
        log.contains("did not stop before the grace period's end"),
        "{log}"
    );
}

#[test]
fn a_database_that_ends_while_it_waits_is_the_end() {
    let worker = FakeWorker::start(held);
    let script = "trap 'exit 11' USR1; echo database up; while :; do sleep 0.05; done";
    let mut supervisor = member(&worker, script, "600", "5");
    supervisor.signal(Signal::TERM);
    supervisor.wait_for_log("waits: release gate 5");
    supervisor.signal(Signal::USR1);
    assert_eq!(supervisor.code(), 11);
    worker.wait_for_phase("stopping");
}
