//! The socket: requests in, answers out.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::world::{Answer, World};

/// The first token that is good.
const TOKEN: &str = "first-token";

/// An API of Kubernetes on a port of its own, and a folder as a service account's. It stops
/// when it is dropped.
#[derive(Debug)]
pub struct FakeApi {
    address: SocketAddr,
    folder: tempfile::TempDir,
    /// What there is, and what was asked.
    pub world: Arc<World>,
    tasks: JoinSet<()>,
}

impl FakeApi {
    /// An API with an empty namespace, `cache`.
    pub async fn start() -> FakeApi {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("namespace"), "cache").unwrap();
        std::fs::write(folder.path().join("token"), TOKEN).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut api = FakeApi {
            address: listener.local_addr().unwrap(),
            folder,
            world: Arc::new(World::new(TOKEN)),
            tasks: JoinSet::new(),
        };
        api.serve(listener);
        api
    }

    /// Where it is.
    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The service account's folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Another token is good from now on, and in the folder.
    pub fn renew_token(&self, token: &str) {
        self.world.token(token);
        std::fs::write(self.folder().join("token"), token).unwrap();
    }

    /// Ends every connection, and listens no more.
    pub async fn stop(&mut self) {
        self.tasks.shutdown().await;
    }

    /// Listens again, at the same place.
    pub async fn start_again(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.serve(listener);
    }

    fn serve(&mut self, listener: TcpListener) {
        let world = Arc::clone(&self.world);
        self.tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let world = Arc::clone(&world);
                world.connected();
                // A connection that breaks is the client's affair.
                connections.spawn(async move {
                    let _ = serve(&world, stream).await;
                });
            }
        });
    }
}

async fn serve(world: &World, stream: TcpStream) -> std::io::Result<()> {
    let (reading, mut writing) = stream.into_split();
    let mut lines = BufReader::new(reading).lines();
    while let Some(request) = lines.next_line().await? {
        let mut length = 0;
        let mut token = None;
        while let Some(line) = lines.next_line().await?.filter(|line| !line.is_empty()) {
            let Some((name, value)) = line.split_once(": ") else {
                continue;
            };
            match name.to_lowercase().as_str() {
                "content-length" => length = value.trim().parse().unwrap_or(0),
                "authorization" => token = value.strip_prefix("Bearer ").map(str::to_owned),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        lines.get_mut().read_exact(&mut body).await?;
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let mut words = request.split(' ');
        let (method, target) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        );
        match world.answer(method, target, token.as_deref(), &body) {
            Answer::Whole(status, body) => {
                let body = body.to_string();
                let length = body.len();
                let head = format!("HTTP/1.1 {status} -\r\nContent-Length: {length}\r\n\r\n");
                writing.write_all(head.as_bytes()).await?;
                writing.write_all(body.as_bytes()).await?;
            }
            Answer::Watch { since } => return follow(world, writing, since, target).await,
            Answer::Nothing => return std::future::pending().await,
        }
    }
    Ok(())
}

async fn follow(
    world: &World,
    mut writing: OwnedWriteHalf,
    mut since: u64,
    target: &str,
) -> std::io::Result<()> {
    let selector = target.split("labelSelector=").nth(1).unwrap_or_default();
    let selector = selector
        .split('&')
        .next()
        .unwrap_or_default()
        .replace("%3D", "=");
    let cut = world.cuts();
    let mut stir = world.stir.subscribe();
    let head = b"HTTP/1.1 200 -\r\nConnection: close\r\n\r\n";
    writing.write_all(head).await?;
    while let Some((lines, told)) = world.lines(since, cut, &selector) {
        since = told;
        writing.write_all(lines.as_bytes()).await?;
        if stir.changed().await.is_err() {
            break;
        }
    }
    Ok(())
}
