//! A worker that answers as a test wants.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

use super::{PATIENCE, wait_for};

/// What a worker answers: the status, and the body.
pub type Reply = (u16, Value);

type Rule = Box<dyn FnMut(&Value) -> Reply + Send>;

/// A worker that answers as a test wants, and remembers what it was told.
pub struct FakeWorker {
    port: u16,
    rule: Arc<Mutex<Rule>>,
    heard: Arc<Mutex<Vec<(String, Value)>>>,
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
                answer(stream, &rule, &heard);
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

    /// What it was told so far, with the authorization that came with it.
    pub fn heard(&self) -> Vec<(String, Value)> {
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
            let found = heard.iter().find(|(_, told)| told["phase"] == phase);
            found
                .map(|(_, told)| told.clone())
                .ok_or(format!("{heard:?}"))
        })
    }
}

/// A request's first line, its authorization and its body; nothing when the
/// supervisor hung up, because a new phase does not wait for the old one.
fn read(stream: &TcpStream) -> std::io::Result<Option<(String, String, Vec<u8>)>> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(stream);
    let mut request = String::new();
    let (mut length, mut token) = (0, String::new());
    if reader.read_line(&mut request)? == 0 {
        return Ok(None);
    }
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        match name.to_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap_or(0),
            "authorization" => token = value.to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some((request, token, body)))
}

fn answer(mut stream: TcpStream, rule: &Mutex<Rule>, heard: &Mutex<Vec<(String, Value)>>) {
    let Ok(Some((request, token, body))) = read(&stream) else {
        return;
    };
    assert_eq!(request, "POST /v1/announcements HTTP/1.1\r\n");
    let told: Value = serde_json::from_slice(&body).unwrap();
    heard.lock().unwrap().push((token, told.clone()));
    let (status, body) = rule.lock().unwrap()(&told);
    let body = body.to_string();
    // A supervisor that was killed in the middle is no failure.
    let _ = write!(
        stream,
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
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
