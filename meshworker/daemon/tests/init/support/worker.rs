//! A worker that answers as a test wants.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use meshworker::proof;
use meshworker::token_file::Token;
use serde_json::{Value, json};
use tokio_rustls::rustls::{ServerConnection, StreamOwned};

use super::supervisor::TOKEN;
use super::{PATIENCE, wait_for};

/// What a worker answers: the status, and the body.
pub type Reply = (u16, Value);

type Rule = Box<dyn FnMut(&Value) -> Reply + Send>;

/// A worker that answers as a test wants, and remembers what it was told.
pub struct FakeWorker {
    port: u16,
    rule: Arc<Mutex<Rule>>,
    heard: Arc<Mutex<Vec<Value>>>,
    answered: Arc<AtomicUsize>,
}

impl FakeWorker {
    /// Starts on a port of its own.
    pub fn start(rule: impl FnMut(&Value) -> Reply + Send + 'static) -> FakeWorker {
        FakeWorker::at(Ipv4Addr::LOCALHOST, 0, rule)
    }

    /// Starts at this address; port 0 for any.
    pub fn at(
        address: Ipv4Addr,
        port: u16,
        rule: impl FnMut(&Value) -> Reply + Send + 'static,
    ) -> FakeWorker {
        FakeWorker::knowing(TOKEN, address, port, rule)
    }

    /// Starts one that proves that it knows this token.
    pub fn knowing(
        token: &str,
        address: Ipv4Addr,
        port: u16,
        rule: impl FnMut(&Value) -> Reply + Send + 'static,
    ) -> FakeWorker {
        let proof = proof::server_config(&[Token::try_from(token).unwrap()]).unwrap();
        let listener = TcpListener::bind((address, port)).unwrap();
        let worker = FakeWorker {
            port: listener.local_addr().unwrap().port(),
            rule: Arc::new(Mutex::new(Box::new(rule))),
            heard: Arc::default(),
            answered: Arc::default(),
        };
        let (rule, heard) = (Arc::clone(&worker.rule), Arc::clone(&worker.heard));
        let answered = Arc::clone(&worker.answered);
        // It ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                let tls = ServerConnection::new(Arc::clone(&proof)).unwrap();
                answer(StreamOwned::new(tls, stream), &rule, &heard);
                answered.fetch_add(1, Ordering::SeqCst);
            }
        });
        worker
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Answers otherwise from now on.
    pub fn set(&self, rule: impl FnMut(&Value) -> Reply + Send + 'static) {
        *self.rule.lock().unwrap() = Box::new(rule);
    }

    /// What it was told so far.
    pub fn heard(&self) -> Vec<Value> {
        self.heard.lock().unwrap().clone()
    }

    /// How often it has answered.
    pub fn answered(&self) -> impl Fn() -> usize + Send + 'static {
        let answered = Arc::clone(&self.answered);
        move || answered.load(Ordering::SeqCst)
    }

    /// Waits until it is told of this phase.
    pub fn wait_for_phase(&self, phase: &str) -> Value {
        wait_for(phase, || {
            let heard = self.heard();
            let found = heard.iter().find(|told| told["phase"] == phase);
            found.cloned().ok_or(format!("{heard:?}"))
        })
    }
}

/// A request's first line and its body; nothing when the supervisor hung up,
/// because a new phase does not wait for the old one.
fn read(stream: impl Read) -> std::io::Result<Option<(String, Vec<u8>)>> {
    let mut reader = BufReader::new(stream);
    let mut request = String::new();
    let mut length = 0;
    if reader.read_line(&mut request)? == 0 {
        return Ok(None);
    }
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        assert_ne!(name.to_lowercase(), "authorization", "{line}");
        if name.to_lowercase() == "content-length" {
            length = value.parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some((request, body)))
}

fn answer(mut stream: impl Read + Write, rule: &Mutex<Rule>, heard: &Mutex<Vec<Value>>) {
    let Ok(Some((request, body))) = read(&mut stream) else {
        return;
    };
    assert_eq!(request, "POST /v1/announcements HTTP/1.1\r\n");
    let told: Value = serde_json::from_slice(&body).unwrap();
    heard.lock().unwrap().push(told.clone());
    let (status, body) = rule.lock().unwrap()(&told);
    let body = body.to_string();
    // A supervisor that was killed in the middle is no failure.
    let _ = write!(
        stream,
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.flush();
}

/// The member is in its place; nothing about leaving.
pub fn in_place(told: &Value) -> Reply {
    let answer = json!({
        "generation": told["generation"],
        "in_place": true,
        "cluster": "one cluster of 3 members",
        "verdict": null,
    });
    (200, answer)
}

fn with_verdict(told: &Value, granted: bool, why: &str) -> Reply {
    with_verdict_in("leaving", told, granted, why)
}

fn with_verdict_in(phase: &str, told: &Value, granted: bool, why: &str) -> Reply {
    let (status, mut answer) = in_place(told);
    if told["phase"] == phase {
        answer["verdict"] = json!({
            "granted": granted,
            "why": why,
            "going": "gone for good",
            "place": 1,
            "progress": "5461 slots left",
        });
    }
    (status, answer)
}

/// It may not stop.
pub fn held(told: &Value) -> Reply {
    with_verdict(told, false, "release gate 5 is closed: 5461 slots")
}

/// It may.
pub fn released(told: &Value) -> Reply {
    with_verdict(told, true, "may stop")
}

/// It may start.
pub fn may_start(told: &Value) -> Reply {
    with_verdict_in("waiting", told, true, "nobody else has this slot")
}

/// It may not start.
pub fn runs_elsewhere(told: &Value) -> Reply {
    let why = "task other of this slot is leaving on node b";
    with_verdict_in("waiting", told, false, why)
}
