//! A client that writes one key after another, and knows which writes were acknowledged.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

/// What one write may take; then the next member is asked.
const PATIENCE: Duration = Duration::from_millis(1500);

/// The pause after a write.
const PAUSE: Duration = Duration::from_millis(5);

/// A client that writes by whichever of these members answers.
pub struct Writer {
    told: Arc<Mutex<Told>>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Told {
    members: Vec<SocketAddr>,
    acknowledged: BTreeSet<String>,
    longest_pause: Duration,
}

/// Far longer than a busy machine takes to answer.
const A_WHILE: Duration = Duration::from_secs(60);

impl Writer {
    pub fn start() -> Writer {
        let told = Arc::new(Mutex::new(Told::default()));
        let task = tokio::spawn(write(Arc::clone(&told)));
        Writer { told, task }
    }

    /// These members are asked from now on.
    pub fn ask(&self, members: Vec<SocketAddr>) {
        self.told.lock().unwrap().members = members;
    }

    /// How many were acknowledged so far, and the longest pause between two.
    pub fn so_far(&self) -> (usize, Duration) {
        let told = self.told.lock().unwrap();
        (told.acknowledged.len(), told.longest_pause)
    }

    /// Ends, and says which acknowledged writes this member does not have.
    pub async fn missing(self, member: SocketAddr) -> Vec<String> {
        self.task.abort();
        let all = json!({"key": STANDARD.encode("w"), "range_end": STANDARD.encode("x"), "keys_only": true});
        let asked = async {
            loop {
                match timeout(PATIENCE, ask(member, "/v3/kv/range", &all)).await {
                    Ok(Some(reply)) => return reply,
                    _ => sleep(PAUSE).await,
                }
            }
        };
        let reply = timeout(A_WHILE, asked).await;
        let reply = reply.expect("it tells nobody what it has");
        let kvs = reply["kvs"].as_array().cloned().unwrap_or_default();
        let key = |kv: &Value| {
            let bytes = STANDARD.decode(kv["key"].as_str().unwrap()).unwrap();
            String::from_utf8(bytes).unwrap()
        };
        let there: BTreeSet<String> = kvs.iter().map(key).collect();
        let told = self.told.lock().unwrap();
        told.acknowledged.difference(&there).cloned().collect()
    }
}

impl Told {
    fn note(&mut self, key: String, last: Option<Instant>) {
        self.acknowledged.insert(key);
        let pause = last.map_or(Duration::ZERO, |last| last.elapsed());
        self.longest_pause = self.longest_pause.max(pause);
    }
}

async fn write(told: Arc<Mutex<Told>>) {
    let (mut number, mut turn, mut last) = (0_u64, 0, None::<Instant>);
    loop {
        let members = told.lock().unwrap().members.clone();
        let Some(member) = members.get(turn % members.len().max(1)).copied() else {
            sleep(PAUSE).await;
            continue;
        };
        let key = format!("w{number:06}");
        let put = json!({"key": STANDARD.encode(&key), "value": STANDARD.encode(&key)});
        let done = timeout(PATIENCE, ask(member, "/v3/kv/put", &put)).await;
        if !matches!(done, Ok(Some(_))) {
            turn += 1;
            sleep(PAUSE).await;
            continue;
        }
        number += 1;
        told.lock().unwrap().note(key, last);
        last = Some(Instant::now());
        sleep(PAUSE).await;
    }
}

/// One question and its reply, where it was answered well.
pub async fn ask(member: SocketAddr, path: &str, body: &Value) -> Option<Value> {
    let body = body.to_string();
    let request = format!(
        "POST {path} HTTP/1.0\r\nHost: etcd\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(member).await.ok()?;
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await.ok()?;
    let reply = String::from_utf8_lossy(&reply).into_owned();
    let (head, body) = reply.split_once("\r\n\r\n")?;
    let fine = head.split(' ').nth(1) == Some("200");
    fine.then(|| serde_json::from_str(body).ok())?
}
