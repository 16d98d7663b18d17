//! What a member that waits is told, besides to start: it promises, puts its data aside, and
//! leads clients to the others; and it waits anew where it was taken out of its cluster.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::started::{DATABASE, Member, volunteers};
use crate::support::{FakeWorker, may_start, wait_for};

/// An answer that tells this under this fence to whoever waits.
fn tells(fence: u64, what: Value) -> impl Fn(&Value) -> (u16, Value) {
    move |said| {
        let (status, mut answer) = may_start(said);
        if said.get("disk").is_some() {
            answer["tell"] = what.clone();
            answer["tell"]["fence"] = json!(fence);
        }
        (status, answer)
    }
}

fn promise(number: u64, to: &str) -> Value {
    json!({"promise": {"number": number, "to": to}})
}

fn starts() -> Value {
    json!({"start": {"arguments": ["--name=m5"]}})
}

/// Waits until the worker hears that this is on the disk.
fn hears(worker: &FakeWorker, disk: &Value) {
    wait_for("what is on its disk", || {
        let heard = worker.heard();
        let said = heard.last().and_then(|said| said.get("disk"));
        (said == Some(disk))
            .then_some(())
            .ok_or(format!("{said:?}"))
    });
}

#[test]
fn what_was_promised_is_told_with_the_next_announcement_and_to_no_other_birth() {
    let member = Member::new(&[]);
    let worker = &member.worker;
    let supervisor = member.start.script(DATABASE);
    volunteers(worker);
    let promised = |number: u64, to: &str| json!({"holds": {"ids": null, "promise": {"number": number, "to": to}, "role": null}});
    worker.set(tells(3, promise(1, "db one")));
    hears(worker, &promised(1, "db one"));
    worker.set(tells(4, promise(1, "db two")));
    wait_for("the second fence", || {
        let kept = fs::read_to_string(member.volume.path().join("slot-2/fence"));
        let kept = kept.map_err(|why| why.to_string())?;
        (kept == "4\n").then_some(()).ok_or(kept)
    });
    hears(worker, &promised(1, "db one"));
    worker.set(tells(5, promise(2, "db two")));
    hears(worker, &promised(2, "db two"));
    assert!(!supervisor.out().contains("started"));
}

/// The ids that a worker does not know are put aside, and the member is as empty as it says.
#[test]
fn data_that_is_nobodys_is_put_aside_and_the_member_waits_on() {
    let member = Member::new(&[]);
    let worker = &member.worker;
    let own = member.volume.path().join("slot-2");
    fs::write(own.join("data"), "8e9e").unwrap();
    worker.set(tells(
        7,
        json!({"aside": {"why": "8e9e is no member of c"}}),
    ));
    let supervisor = member.start.script("echo started unasked; exit 0");
    supervisor.wait_for_log("its data is put aside, as data.aside-1 in ");
    supervisor.wait_for_log("8e9e is no member of c");
    hears(worker, &json!("nothing"));
    let kept = fs::read_to_string(own.join("data.aside-1")).unwrap();
    assert_eq!(kept, "8e9e");
    assert!(!own.join("data").exists());
    // It was another cluster's, and served clients until it was put aside.
    assert_eq!(supervisor.out().matches("started unasked").count(), 0);
}

#[test]
fn who_was_taken_out_by_mistake_is_started_again_with_its_data() {
    let member = Member::new(&[("data", "8e9e")]);
    let worker = &member.worker;
    let script = r#"[ -e again ] || { : > again; exit 0; }; echo "again with <$1>"; trap 'exit 7' TERM; while :; do sleep 0.05; done"#;
    worker.set(tells(1, starts()));
    let mut supervisor = member.start.script(script);
    supervisor.wait_for_log("waits to be told anew");
    worker.set(tells(2, starts()));
    supervisor.wait_for_out("again with <--name=m5>");
    let present = worker.wait_for_phase("present");
    assert!(present["generation"].as_u64() > Some(1));
    supervisor.signal(Signal::TERM);
    supervisor.signal(Signal::TERM);
    assert_eq!(supervisor.code(), 7);
}

/// Only who ended in good order was taken out: the others' end is their container's.
#[test]
fn a_database_that_failed_is_its_containers_end() {
    let member = Member::new(&[("data", "8e9e")]);
    member.worker.set(tells(1, starts()));
    let mut supervisor = member.start.script("exit 1");
    assert_eq!(supervisor.code(), 1);
}

#[test]
fn clients_of_a_spare_are_led_to_who_runs_and_names_follow() {
    let runs = TcpListener::bind(("127.0.47.11", 0)).unwrap();
    let port = runs.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in runs.incoming() {
            let _ = stream.and_then(|mut stream| stream.write_all(b"one that runs"));
        }
    });
    let member = Member::new(&[]);
    let hosts = member.volume.path().join("hosts");
    fs::write(&hosts, "127.0.0.1\tlocalhost\n").unwrap();
    let worker = &member.worker;
    let start = member.start.with("service-port", &port.to_string());
    let start = start.with("hosts-file", hosts.to_str().unwrap());
    let siblings = json!([
        {"slot": 1, "address": "127.0.47.11", "serves": true},
        {"slot": 2, "address": "127.0.0.1", "serves": false},
    ]);
    worker.set(move |said| {
        let (status, mut answer) = may_start(said);
        answer["siblings"] = siblings.clone();
        (status, answer)
    });
    let supervisor = start.script(&format!("exec 3<>/dev/null; {DATABASE}"));
    supervisor.wait_for_log("leads clients that come to 127.0.0.1:");
    let mut text = String::new();
    let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
    client.read_to_string(&mut text).unwrap();
    assert_eq!(text, "one that runs");
    let names = "127.0.47.11\tredis-1.mesh # meshworker\n127.0.0.1\tredis-2.mesh # meshworker\n";
    let expected = format!("127.0.0.1\tlocalhost\n{names}");
    wait_for("the names", || {
        let found = fs::read_to_string(&hosts).unwrap();
        (found == expected).then_some(()).ok_or(found)
    });
    // From its start on its own database has the port.
    worker.set(tells(1, starts()));
    supervisor.wait_for_out("started");
    TcpListener::bind(("127.0.0.1", port)).unwrap();
}

/// Another one was primary since, and clients of this one were none the wiser.
#[test]
fn who_is_outranked_is_killed_and_waits_in_its_container() {
    let member = Member::new(&[("data", "8e9e")]);
    let worker = &member.worker;
    let script = r#"echo "runs with <$1>"; trap '' TERM; while :; do sleep 0.05; done"#;
    let supervisor = member.start.script(script);
    volunteers(worker);
    worker.set(tells(1, starts()));
    supervisor.wait_for_out("runs with <--name=m5>");
    worker.wait_for_phase("present");
    worker.set(|said| {
        let (status, mut answer) = may_start(said);
        if said["phase"] == "present" {
            answer["tell"] = json!({"fence": 2, "kill": {"term": 1}});
        }
        (status, answer)
    });
    supervisor.wait_for_log("another member is primary since a higher term began");
    supervisor.wait_for_log("waits to be told how to start it again");
    hears(
        worker,
        &json!({"holds": {"ids": {"node": "8e9e", "cluster": "c"}, "promise": null, "role": null}}),
    );
    worker.set(tells(3, starts()));
    wait_for("the second start", || {
        let starts = supervisor.out().matches("runs with").count();
        (starts == 2).then_some(()).ok_or(format!("{starts}"))
    });
}
