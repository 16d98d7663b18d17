//! A Docker engine that lists what it is told to.

// Helpers of tests fail as tests do.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc)]

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::broadcast;
use tokio::task::JoinSet;

/// A Docker engine that lists what it is told to, on a socket of its own. It
/// stops when it is dropped.
#[derive(Debug)]
pub struct FakeEngine {
    directory: tempfile::TempDir,
    /// What it says, and what it was asked.
    pub world: Arc<World>,
    tasks: JoinSet<()>,
}

/// What the engine says, and what it was asked.
#[derive(Debug)]
pub struct World {
    lists: Mutex<Lists>,
    requests: Mutex<Vec<String>>,
    bodies: Mutex<Vec<Value>>,
    /// How many bytes of floods were taken from it.
    flooded: AtomicUsize,
    /// Lines of the event stream; an empty one ends every subscription.
    events: broadcast::Sender<String>,
}

#[derive(Debug, Clone)]
struct Lists {
    version: &'static str,
    services: Value,
    tasks: Value,
    nodes: Value,
    networks: Value,
    info: Info,
    delay: Duration,
    status: u16,
    flood: Option<(&'static str, u16)>,
}

/// A flood is no longer than that, so that whoever takes all of it still stands.
const FLOOD: usize = 64 << 20;

/// What it says of itself, made anew for each question: its clock goes on.
#[derive(Clone)]
struct Info(Arc<dyn Fn() -> Value + Send + Sync>);

impl fmt::Debug for Info {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", (self.0)())
    }
}

impl FakeEngine {
    /// An engine that lists no service and no task, and one node, `n1`.
    pub fn start() -> FakeEngine {
        let world = World {
            lists: Mutex::new(Lists {
                version: "1.41",
                services: json!([]),
                tasks: json!([]),
                nodes: json!([{"ID": "n1", "Status": {"State": "ready"}}]),
                networks: json!([]),
                info: Info(Arc::new(|| json!({}))),
                delay: Duration::ZERO,
                status: 200,
                flood: None,
            }),
            requests: Mutex::new(Vec::new()),
            bodies: Mutex::new(Vec::new()),
            flooded: AtomicUsize::new(0),
            events: broadcast::Sender::new(16),
        };
        let mut engine = FakeEngine {
            directory: tempfile::tempdir().unwrap(),
            world: Arc::new(world),
            tasks: JoinSet::new(),
        };
        engine.listen();
        engine
    }

    /// Where it listens.
    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("docker.sock")
    }

    /// Ends every connection and removes the socket.
    pub async fn stop(&mut self) {
        self.tasks.shutdown().await;
        std::fs::remove_file(self.socket()).unwrap();
    }

    /// Listens, for the first time or again.
    pub fn listen(&mut self) {
        let listener = UnixListener::bind(self.socket()).unwrap();
        let world = Arc::clone(&self.world);
        self.tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let world = Arc::clone(&world);
                // A connection that breaks is the client's affair.
                connections.spawn(async move {
                    let _ = world.serve(stream).await;
                });
            }
        });
    }
}

impl World {
    /// Which version of the API it speaks; 1.41 at first.
    pub fn version(&self, version: &'static str) {
        self.lists.lock().unwrap().version = version;
    }

    /// Lists these services from now on.
    pub fn services(&self, services: Value) {
        self.lists.lock().unwrap().services = services;
    }

    /// Lists these tasks from now on.
    pub fn tasks(&self, tasks: Value) {
        self.lists.lock().unwrap().tasks = tasks;
    }

    /// Lists these nodes from now on.
    pub fn nodes(&self, nodes: Value) {
        self.lists.lock().unwrap().nodes = nodes;
    }

    /// Lists these networks from now on.
    pub fn networks(&self, networks: Value) {
        self.lists.lock().unwrap().networks = networks;
    }

    /// Says this of itself from now on.
    pub fn info(&self, info: impl Fn() -> Value + Send + Sync + 'static) {
        self.lists.lock().unwrap().info = Info(Arc::new(info));
    }

    /// Answers so late from now on.
    pub fn delay(&self, delay: Duration) {
        self.lists.lock().unwrap().delay = delay;
    }

    /// Answers every list with this status from now on.
    pub fn status(&self, status: u16) {
        self.lists.lock().unwrap().status = status;
    }

    /// Answers what ends with this, from now on, with this status and 64 MiB of nothing.
    pub fn flood(&self, path: &'static str, status: u16) {
        self.lists.lock().unwrap().flood = Some((path, status));
    }

    /// How many bytes of that were taken.
    pub fn flooded(&self) -> usize {
        self.flooded.load(Ordering::Relaxed)
    }

    /// Tells every subscriber this, which need be no event.
    pub fn noise(&self, text: &str) {
        let _ = self.events.send(text.to_owned());
    }

    /// Tells an event to every subscriber.
    pub fn event(&self, kind: &str, action: &str) {
        let event = json!({"Type": kind, "Action": action, "scope": "swarm"});
        let _ = self.events.send(format!("{event}\n"));
    }

    /// Ends every subscription.
    pub fn hang_up(&self) {
        let _ = self.events.send(String::new());
    }

    /// How many listen for events.
    pub fn subscribers(&self) -> usize {
        self.events.receiver_count()
    }

    /// The targets of all requests so far for this path, in any version.
    pub fn requests(&self, path: &str) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        let of_path = |target: &&String| {
            let bare = target.split('?').next().unwrap_or_default();
            bare.ends_with(path)
        };
        requests.iter().filter(of_path).cloned().collect()
    }

    /// The bodies of all requests so far that had one.
    pub fn bodies(&self) -> Vec<Value> {
        self.bodies.lock().unwrap().clone()
    }

    async fn serve(&self, stream: UnixStream) -> std::io::Result<()> {
        let (reading, mut writing) = stream.into_split();
        let mut lines = BufReader::new(reading).lines();
        let request = lines.next_line().await?.unwrap_or_default();
        let mut length = 0;
        while let Some(line) = lines.next_line().await?.filter(|line| !line.is_empty()) {
            let header = line.to_lowercase();
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        let mut body = vec![0; length];
        lines.get_mut().read_exact(&mut body).await?;
        if !body.is_empty() {
            let body = serde_json::from_slice(&body)?;
            self.bodies.lock().unwrap().push(body);
        }
        let target = request.split(' ').nth(1).unwrap_or_default().to_owned();
        self.requests.lock().unwrap().push(target.clone());

        let lists = self.lists.lock().unwrap().clone();
        tokio::time::sleep(lists.delay).await;
        let path = target.split('?').next().unwrap_or_default();
        let bare = match path.strip_prefix(&format!("/v{}", lists.version)) {
            Some(bare) => bare,
            None => path,
        };
        if let Some((_, status)) = lists.flood.filter(|(path, _)| bare.ends_with(path)) {
            return self.let_flow(writing, status).await;
        }
        let (status, body) = match bare {
            "/version" => (200, json!({"ApiVersion": lists.version})),
            "/events" => return self.stream_events(writing).await,
            _ if lists.status != 200 => (lists.status, json!({"message": "no such luck"})),
            "/services" => (200, lists.services),
            "/tasks" => (200, lists.tasks),
            "/nodes" => (200, lists.nodes),
            "/networks" => (200, lists.networks),
            "/info" => (200, (lists.info.0)()),
            update if update.ends_with("/update") => (200, json!({"Warnings": null})),
            other => (400, json!({"message": format!("unexpected {other}")})),
        };
        let body = body.to_string();
        let length = body.len();
        let head = format!("HTTP/1.1 {status} -\r\nContent-Length: {length}\r\n\r\n{body}");
        writing.write_all(head.as_bytes()).await
    }

    async fn let_flow(
        &self,
        mut writing: tokio::net::unix::OwnedWriteHalf,
        status: u16,
    ) -> std::io::Result<()> {
        let head = format!("HTTP/1.1 {status} -\r\nConnection: close\r\n\r\n");
        writing.write_all(head.as_bytes()).await?;
        let drop = [b' '; 64 << 10];
        for _ in 0..FLOOD / drop.len() {
            writing.write_all(&drop).await?;
            self.flooded.fetch_add(drop.len(), Ordering::Relaxed);
        }
        Ok(())
    }

    async fn stream_events(
        &self,
        mut writing: tokio::net::unix::OwnedWriteHalf,
    ) -> std::io::Result<()> {
        let mut events = self.events.subscribe();
        writing
            .write_all(b"HTTP/1.1 200 -\r\nConnection: close\r\n\r\n")
            .await?;
        while let Ok(event) = events.recv().await {
            if event.is_empty() {
                break;
            }
            writing.write_all(event.as_bytes()).await?;
        }
        Ok(())
    }
}
