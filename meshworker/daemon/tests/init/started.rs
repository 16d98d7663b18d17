//! A database that is started when a worker says how: an engine of these tests, under the
//! real supervisor, with a real child.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

use meshworker::config::{Given, Inputs, Origin, Raw};
use meshworker::init::{Settings, run_started};
use meshworker_core::{Disk, Holds, Ids, Start as How};
use meshworker_engines::{Nominated, Own, Starts};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{
    FakeWorker, Start, Supervisor, init, may_start, played, runs_elsewhere, wait_for,
};

/// What the engine's reader finds: one file with an id.
fn disk(directory: &Path) -> Disk {
    match fs::read_to_string(directory.join("data")) {
        Err(_) => Disk::Nothing,
        Ok(id) => Disk::Holds(Holds {
            ids: Some(Ids {
                node: id.into(),
                cluster: "c".into(),
            }),
            ..Holds::default()
        }),
    }
}

/// Whoever has data starts with it, whoever is there.
fn unasked(disk: &Disk, own: &Own) -> Option<How> {
    matches!(disk, Disk::Holds(holds) if holds.ids.is_some()).then(|| How {
        arguments: vec![format!("--as-before={}@{}", own.known_as, own.address)],
        ..How::default()
    })
}

const ENGINE: Nominated = Nominated {
    disk,
    unasked,
    data: "data",
    variables: &["TOY_NAME", "TOY_TOKEN"],
    spares: true,
    in_place: true,
    copying: None,
};

/// Is no test: the supervisor of the others.
#[test]
fn as_supervisor() {
    let Some(told) = played() else {
        return;
    };
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let mut told = told.split(|word| word == "--");
    let (mut shared, mut own) = (Raw::default(), BTreeMap::new());
    for flag in told.next().unwrap() {
        let (name, value) = flag.trim_start_matches("--").split_once('=').unwrap();
        if shared.give(name, value.to_owned(), Origin::Flag).is_err() {
            let (value, origin) = (value.to_owned(), Origin::Flag);
            own.insert(name.to_owned(), Given { value, origin });
        }
    }
    let inputs = Inputs {
        shared,
        ..Inputs::default()
    };
    let cluster = inputs.clusters().unwrap().remove(0);
    let settings = Settings::validate(None, &own).unwrap();
    let command = told.collect::<Vec<_>>().join(&"--".to_owned());
    let command: Vec<OsString> = command.into_iter().map(OsString::from).collect();
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    let starts = Starts::WhenNominated(ENGINE);
    let ended = runtime.block_on(run_started(cluster, settings, command, starts));
    let code = ended.unwrap_or_else(|why| {
        eprintln!("{why}");
        why.exit_code()
    });
    std::process::exit(i32::from(code));
}

/// No worker that acts is there.
fn nobody(_: &Value) -> (u16, Value) {
    (503, Value::Null)
}

/// Says with what it was started, and waits.
pub const DATABASE: &str = r#"echo "started in $PWD with $# <$1> <$2> as <$TOY_NAME>"
trap 'exit 7' TERM; while :; do sleep 0.05; done"#;

/// A member whose database waits to be told.
pub struct Member {
    pub start: Start,
    pub worker: FakeWorker,
    pub volume: tempfile::TempDir,
}

impl Member {
    /// One whose slot has a directory of its own, with these files.
    pub fn new(files: &[(&str, &str)]) -> Member {
        let volume = tempfile::tempdir().unwrap();
        let own = volume.path().join("slot-2");
        fs::create_dir(&own).unwrap();
        for (name, text) in files {
            fs::write(own.join(name), text).unwrap();
        }
        let worker = FakeWorker::start(may_start);
        let start = init()
            .played_by("started::as_supervisor")
            .with("workers-port", &worker.port().to_string())
            .with("data-dir", volume.path().to_str().unwrap())
            // Never the machine's own.
            .with("hosts-file", "/nowhere/hosts");
        Member {
            start,
            worker,
            volume,
        }
    }
}

/// An answer that tells to start under this fence, with these variables.
fn told(said: &Value, fence: u64, variables: &Value) -> (u16, Value) {
    let (status, mut answer) = may_start(said);
    if said.get("disk").is_some() {
        let start = json!({"arguments": ["--name=m 5", ""], "variables": variables});
        answer["tell"] = json!({"fence": fence, "start": start});
    }
    (status, answer)
}

/// Waits until the worker heard what is on the disk.
pub fn volunteers(worker: &FakeWorker) -> Value {
    wait_for("its disk", || {
        let heard = worker.heard();
        let found = heard.iter().find(|said| said.get("disk").is_some());
        found.cloned().ok_or(format!("{heard:?}"))
    })
}

/// It hears more words that are no reason to start, and waits on.
fn hears_more_and_waits(worker: &FakeWorker, supervisor: &Supervisor) {
    let before = worker.heard().len();
    wait_for("more words", || {
        let now = worker.heard().len();
        (now >= before + 3).then_some(()).ok_or(format!("{now}"))
    });
    let out = supervisor.out();
    assert!(!out.contains("started"), "{out}");
}

#[test]
fn a_database_was_started_before_anybody_said_how_and_then_exactly_so() {
    let member = Member::new(&[]);
    let worker = &member.worker;
    let mut supervisor = member.start.script(DATABASE);
    let said = volunteers(worker);
    assert_eq!(said["disk"], "nothing");
    assert_eq!(
        (&said["phase"], &said["generation"]),
        (&json!("waiting"), &json!(2))
    );
    // It hears that its slot is free, again and again, and waits.
    hears_more_and_waits(worker, &supervisor);
    worker.set(|said| told(said, 7, &json!({"TOY_NAME": "m5"})));
    supervisor.wait_for_out("slot-2 with 2 <--name=m 5> <> as <m5>");
    let present = worker.wait_for_phase("present");
    assert_eq!(
        (&present["generation"], present.get("disk")),
        (&json!(3), None)
    );
    let kept = fs::read_to_string(member.volume.path().join("slot-2/fence")).unwrap();
    assert_eq!(kept, "7\n");
    supervisor.signal(Signal::TERM);
    supervisor.signal(Signal::TERM);
    assert_eq!(supervisor.code(), 7);
}

#[test]
fn a_worker_that_acts_no_more_started_a_database() {
    let member = Member::new(&[("fence", "7\n")]);
    member.worker.set(|said| told(said, 6, &json!({})));
    let mut supervisor = member.start.script(DATABASE);
    supervisor.wait_for_log("a worker that acts no more said so: fence 6, and 7 was heard");
    assert!(!supervisor.out().contains("started"));
    member.worker.set(|said| told(said, 7, &json!({})));
    supervisor.wait_for_out("with 2 <--name=m 5> <> as <>");
    assert!(supervisor.runs());
}

#[test]
fn a_worker_set_a_variable_that_is_none_of_the_engines() {
    let member = Member::new(&[]);
    member
        .worker
        .set(|said| told(said, 1, &json!({"LD_PRELOAD": "/tmp/x.so"})));
    let supervisor = member.start.script(DATABASE);
    supervisor.wait_for_log("variable 'LD_PRELOAD': allowed: TOY_NAME, TOY_TOKEN");
    assert!(!supervisor.out().contains("started"));
}

/// It never started again, and nobody could mend that but by hand.
#[test]
fn a_fence_that_is_damaged_is_put_aside_and_named() {
    let member = Member::new(&[("fence", "seven")]);
    member.worker.set(|said| told(said, 6, &json!({})));
    let supervisor = member.start.script(DATABASE);
    supervisor.wait_for_log("fence holds no number, and is put aside as fence.aside-1");
    supervisor.wait_for_out("with 2 <--name=m 5> <> as <>");
    let kept = fs::read_to_string(member.volume.path().join("slot-2/fence.aside-1")).unwrap();
    assert_eq!(kept, "seven");
}

/// After a power cut a slot has another one's directory: its name stayed behind.
#[test]
fn who_has_another_slots_data_is_known_by_its_name_from_start_to_start() {
    let member = Member::new(&[("data", "8e9e"), ("known-as", "5\n")]);
    let worker = &member.worker;
    let note = member.volume.path().join("slot-2/known-as");
    let kept = || fs::read_to_string(&note).unwrap();
    {
        let supervisor = member.start.script(DATABASE);
        assert_eq!(volunteers(worker)["known_as"], 5);
        worker.set(nobody);
        supervisor.wait_for_out("with 1 <--as-before=5@127.0.0.1> <> as <>");
        assert_eq!(worker.wait_for_phase("present")["known_as"], 5);
    }
    assert_eq!(kept(), "5\n");
    // An empty one is known by its slot, until a worker says by what else.
    let member = Member::new(&[("known-as", "5\n")]);
    let worker = &member.worker;
    let supervisor = member.start.script(DATABASE);
    assert_eq!(volunteers(worker).get("known_as"), None);
    worker.set(|said| {
        let (status, mut answer) = told(said, 1, &json!({}));
        if let Some(tell) = answer.get_mut("tell") {
            tell["start"]["known_as"] = json!(7);
        }
        (status, answer)
    });
    supervisor.wait_for_out("with 2 <--name=m 5> <> as <>");
    assert_eq!(worker.wait_for_phase("present")["known_as"], 7);
    let kept = fs::read_to_string(member.volume.path().join("slot-2/known-as")).unwrap();
    assert_eq!(kept, "7\n");
}

/// All of a cluster start at once after a power cut, and no worker needs to be there. One that
/// was there and held a copy back was not heeded after three seconds.
#[test]
fn a_member_with_data_started_unasked_beside_a_worker() {
    let member = Member::new(&[("data", "8e9e")]);
    let supervisor = member.start.script(DATABASE);
    volunteers(&member.worker);
    for _ in 0..2 {
        hears_more_and_waits(&member.worker, &supervisor);
    }
    member.worker.set(nobody);
    supervisor.wait_for_out("with 1 <--as-before=2@127.0.0.1> <> as <>");
}

/// Its data is all that it needs, and only once it runs can anybody make room.
#[test]
fn a_full_volume_kept_a_member_with_data_from_starting_unasked() {
    let member = Member::new(&[("data", "8e9e")]);
    // As where no file can be made any more.
    fs::create_dir(member.volume.path().join("slot-2/known-as.new")).unwrap();
    let supervisor = member.start.script(DATABASE);
    volunteers(&member.worker);
    member.worker.set(nobody);
    supervisor.wait_for_out("with 1 <--as-before=2@127.0.0.1> <> as <>");
}

#[test]
fn whoever_waits_to_be_told_ends_at_once_when_asked_to() {
    let member = Member::new(&[]);
    let mut supervisor = member.start.script(DATABASE);
    volunteers(&member.worker);
    supervisor.wait_for_log("waits until a worker says how");
    supervisor.signal(Signal::TERM);
    assert_eq!(supervisor.code(), 128 + 15);
    assert!(!supervisor.out().contains("started"));
}

/// One worker that holds it back is enough, whatever it says besides.
#[test]
fn a_slot_that_runs_elsewhere_was_started_here() {
    let member = Member::new(&[]);
    let supervisor = member.start.script(DATABASE);
    let worker = &member.worker;
    volunteers(worker);
    worker.set(|said| {
        let (status, mut answer) = runs_elsewhere(said);
        answer["tell"] = told(said, 1, &json!({})).1["tell"].clone();
        (status, answer)
    });
    hears_more_and_waits(worker, &supervisor);
}

/// A spare waits for as long as nobody is missed: the health check killed it. Once it waited in
/// good order it does so whatever becomes of the others and of the workers.
#[test]
fn who_waits_is_healthy_once_the_others_are_one_cluster_without_it() {
    let member = Member::new(&[]);
    let in_place = |in_place: bool| {
        move |said: &Value| {
            let (status, mut answer) = may_start(said);
            answer["in_place"] = json!(in_place);
            (status, answer)
        }
    };
    member.worker.set(in_place(false));
    let supervisor = member.start.script(DATABASE);
    supervisor.wait_for_log("waits until a worker says how");
    let health = |expected: i32| {
        wait_for("its health", || match supervisor.health() {
            (line, code) if code == expected => Ok(line),
            other => Err(format!("{other:?}")),
        })
    };
    let waits = "waits to start: a worker is to say how";
    assert!(health(1).contains(waits));
    member.worker.set(in_place(true));
    assert!(health(0).contains(waits));
    member.worker.set(in_place(false));
    hears_more_and_waits(&member.worker, &supervisor);
    assert!(health(0).contains(waits));
    member.worker.set(nobody);
    supervisor.wait_for_log("no worker answers");
    assert!(health(0).contains(waits));
}
