//! Who answers under the workers' name without knowing the token.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;

use rustix::process::Signal;

use super::support::{DATABASE, FakeWorker, TOKEN, held, init, listening, released, wait_for};

/// Says to whoever comes that it may go, in plain HTTP, and keeps what it was sent.
fn liar() -> (u16, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Arc::<Mutex<Vec<u8>>>::default();
    let kept = Arc::clone(&heard);
    // It ends with the test's process.
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut bytes = [0; 4096];
            let read = stream.read(&mut bytes).unwrap_or(0);
            kept.lock().unwrap().extend(&bytes[..read]);
            let body = released(&serde_json::json!({"phase": "leaving", "generation": 2})).1;
            let body = body.to_string();
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}"
            );
        }
    });
    (port, heard)
}

#[test]
fn a_plain_listener_under_the_workers_name_was_given_the_token_and_let_a_member_go() {
    let (port, heard) = liar();
    let (_stuck, database) = listening();
    let mut supervisor = init()
        .with("workers-port", &port.to_string())
        .with("service-port", &database.to_string())
        .with("grace", "600")
        .script(DATABASE);
    supervisor.wait_for_log("it does not prove that it knows the token");
    supervisor.signal(Signal::TERM);
    let before = heard.lock().unwrap().len();
    wait_for("more announcements", || {
        let now = heard.lock().unwrap().len();
        (now >= before + 2000).then_some(()).ok_or(now.to_string())
    });
    assert!(supervisor.runs());
    assert!(!supervisor.out().contains("database stops"));
    let heard = String::from_utf8_lossy(&heard.lock().unwrap()).into_owned();
    for secret in [TOKEN, "stack_db", "task-id"] {
        assert!(!heard.contains(secret), "{secret}");
    }
}

/// Its lies are told beside a worker that knows the token, and held against nobody.
#[test]
fn who_proves_another_token_lets_nobody_go_and_holds_nobody() {
    let other = "another-token-of-the-tests";
    let address = Ipv4Addr::new(127, 0, 0, 2);
    let worker = FakeWorker::start(held);
    let liar = FakeWorker::knowing(other, address, worker.port(), released);
    let mut supervisor = init()
        .with("workers", "127.0.0.1,127.0.0.2")
        .with("workers-port", &worker.port().to_string())
        .with("grace", "600")
        .script(DATABASE);
    supervisor.wait_for_log("our token is refused");
    supervisor.signal(Signal::TERM);
    supervisor.wait_for_log("waits: release gate 5");
    assert!(supervisor.runs());
    liar.set(held);
    worker.set(released);
    assert_eq!(supervisor.code(), 7);
    assert!(liar.heard().is_empty(), "{:?}", liar.heard());
}

#[test]
fn a_token_is_changed_without_a_stop() {
    let (old, new) = (TOKEN, "the-new-token-of-the-tests");
    let worker = FakeWorker::knowing(new, Ipv4Addr::LOCALHOST, 0, released);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), old).unwrap();
    let mut supervisor = init()
        .with("workers-port", &worker.port().to_string())
        .with("token-file", &file.path().display().to_string())
        .with("grace", "600")
        .script(DATABASE);
    supervisor.wait_for_log("our token is refused");
    // Whichever stands first.
    std::fs::write(file.path(), format!("{old}\n{new}\n")).unwrap();
    supervisor.wait_for_log("in its place: one cluster of 3 members");
    supervisor.signal(Signal::TERM);
    assert_eq!(supervisor.code(), 7);
}
