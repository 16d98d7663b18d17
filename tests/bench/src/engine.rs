//! A Docker API that lists the tasks it is told of.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::broadcast;
use tokio::task::JoinSet;

/// The service that it lists.
pub const SERVICE: &str = "bench_db";

/// The network of the service's tasks.
pub const NETWORK: &str = "bench_net";

const VERSION: &str = "1.41";

/// A Docker API on a socket of its own. It stops when it is dropped.
#[derive(Debug)]
pub struct Engine {
    directory: tempfile::TempDir,
    world: Arc<World>,
    _task: JoinSet<()>,
}

#[derive(Debug)]
struct World {
    tasks: Mutex<Vec<Value>>,
    events: broadcast::Sender<String>,
}

impl Engine {
    /// An engine without tasks.
    ///
    /// # Errors
    ///
    /// When there is no place for its socket.
    pub fn start() -> Result<Engine> {
        let directory = tempfile::tempdir()?;
        let listener = UnixListener::bind(directory.path().join("docker.sock"))?;
        let world = Arc::new(World {
            tasks: Mutex::default(),
            events: broadcast::Sender::new(16),
        });
        let mut task = JoinSet::new();
        let serving = Arc::clone(&world);
        task.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                while connections.try_join_next().is_some() {}
                let world = Arc::clone(&serving);
                // A connection that breaks is the client's affair.
                connections.spawn(async move {
                    let _ = world.serve(stream).await;
                });
            }
        });
        Ok(Engine {
            directory,
            world,
            _task: task,
        })
    }

    /// What `DOCKER_HOST` is to be.
    pub fn host(&self) -> String {
        let socket = self.directory.path().join("docker.sock");
        format!("unix://{}", socket.display())
    }

    /// Lists one more task, which has this address from now on.
    pub fn add(&self, address: IpAddr) {
        let mut tasks = self.world.tasks();
        let slot = tasks.len() + 1;
        tasks.push(task(slot, address));
    }

    /// Tells of a change of the service, as scaling it does.
    pub fn event(&self) {
        let event = json!({"Type": "service", "Action": "update", "scope": "swarm"});
        // Nobody may be listening at the moment.
        let _ = self.world.events.send(format!("{event}\n"));
    }
}

/// A running task. Of what an engine tells besides, the largest part is here as
/// well: to read over it is a part of the cost.
fn task(slot: usize, address: IpAddr) -> Value {
    json!({
        "ID": format!("task{slot}"),
        "Version": {"Index": 71},
        "CreatedAt": "2024-06-07T21:07:29.962229872Z",
        "UpdatedAt": "2024-06-07T21:07:31.290032978Z",
        "Spec": {
            "ContainerSpec": {
                "Image": "database:latest",
                "Env": (0..12).map(|n| format!("VARIABLE_{n}=some value of usual length")).collect::<Vec<_>>(),
                "Healthcheck": {"Test": ["CMD-SHELL", "healthy || exit 1"], "Interval": 1_000_000_000_u64},
            },
            "Resources": {"Limits": {"MemoryBytes": 1_u64 << 30}, "Reservations": {}},
            "RestartPolicy": {"Condition": "any", "MaxAttempts": 0},
            "Placement": {"Preferences": [{"Spread": {"SpreadDescriptor": "node.id"}}]},
        },
        "ServiceID": "service",
        "Slot": slot,
        "NodeID": "n1",
        "Status": {"State": "running", "Timestamp": "2024-06-07T21:07:31.290032978Z"},
        "DesiredState": "running",
        "NetworksAttachments": [{
            "Network": {
                "ID": "network",
                "Spec": {"Name": NETWORK, "DriverConfiguration": {"Name": "overlay"}},
                "DriverState": {"Name": "overlay", "Options": {"vxlanid_list": "4097"}},
            },
            "Addresses": [format!("{address}/24")],
        }],
    })
}

impl World {
    fn tasks(&self) -> std::sync::MutexGuard<'_, Vec<Value>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, path: &str) -> (u16, Value) {
        let prefix = format!("/v{VERSION}");
        match path.strip_prefix(&prefix).unwrap_or(path) {
            "/version" => (200, json!({"ApiVersion": VERSION})),
            "/services" => {
                let replicas = self.tasks().len();
                let mode = json!({"Replicated": {"Replicas": replicas}});
                (
                    200,
                    json!([{"ID": "service", "Spec": {"Name": SERVICE, "Mode": mode}}]),
                )
            }
            "/tasks" => (200, Value::Array(self.tasks().clone())),
            "/nodes" => (200, json!([{"ID": "n1", "Status": {"State": "ready"}}])),
            other => (400, json!({"message": format!("unexpected {other}")})),
        }
    }

    async fn serve(&self, stream: UnixStream) -> std::io::Result<()> {
        let (reading, mut writing) = stream.into_split();
        let mut lines = BufReader::new(reading).lines();
        let request = lines.next_line().await?.unwrap_or_default();
        while lines
            .next_line()
            .await?
            .is_some_and(|line| !line.is_empty())
        {}
        let target = request.split(' ').nth(1).unwrap_or_default();
        let path = target.split('?').next().unwrap_or_default();
        if path.ends_with("/events") {
            let mut events = self.events.subscribe();
            writing
                .write_all(b"HTTP/1.1 200 -\r\nConnection: close\r\n\r\n")
                .await?;
            while let Ok(event) = events.recv().await {
                writing.write_all(event.as_bytes()).await?;
            }
            return Ok(());
        }
        let (status, body) = self.answer(path);
        let body = body.to_string();
        let length = body.len();
        let head = format!("HTTP/1.1 {status} -\r\nContent-Length: {length}\r\n\r\n{body}");
        writing.write_all(head.as_bytes()).await
    }
}
