//! A worker's server on a free port, and a client that speaks HTTP by hand, so
//! that it can also speak it badly.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use meshworker::announce::{Announcement, PATH, Phase, Registry, State, router};
use meshworker::http::Server;
use meshworker::proof::{Call, Door};
use meshworker::token_file::TokenFile;
use meshworker::turned_away::Register;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::client::TlsStream;

/// What members and the server know each other by.
pub const TOKEN: &str = "a token of the tests";

/// Where requests come from, unless a test says otherwise.
pub const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

/// A server that listens until it is closed.
pub struct Post {
    pub registry: Arc<Registry>,
    pub address: SocketAddr,
    pub stop: watch::Sender<bool>,
    /// Who did not prove that it knows the token.
    pub unproved: Arc<Register>,
    server: JoinHandle<()>,
    file: tempfile::NamedTempFile,
}

impl Post {
    pub async fn open() -> Post {
        Post::of(Registry::new()).await
    }

    pub async fn of(registry: Arc<Registry>) -> Post {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), TOKEN).unwrap();
        let state = State {
            registry: Arc::clone(&registry),
        };
        let server = Server::bind(([127, 0, 0, 1], 0).into(), router(state), "tests");
        let door = Door::of(TokenFile::new(file.path())).unwrap();
        let unproved = door.unproved();
        let server = server.await.unwrap().with_proof(Arc::new(door));
        let address = server.address();
        let (stop, stopped) = watch::channel(false);
        Post {
            registry,
            address,
            stop,
            unproved,
            server: tokio::spawn(server.run(stopped)),
            file,
        }
    }

    /// Has the server know this token alone from now on.
    pub fn change_token(&self, token: &str) {
        std::fs::write(self.file.path(), token).unwrap();
    }

    /// The file with the token.
    pub fn token(&self) -> TokenFile {
        TokenFile::new(self.file.path())
    }

    /// Stops the server, and waits until it has.
    pub async fn close(self) {
        self.stop.send_replace(true);
        self.server.await.unwrap();
    }

    /// A connection from this address that has proved that it knows the token.
    pub async fn connect(&self, from: IpAddr) -> TlsStream<TcpStream> {
        self.call(from).connect(self.address).await.unwrap()
    }

    /// What makes such connections.
    pub fn call(&self, from: IpAddr) -> Call {
        Call::new(TokenFile::new(self.file.path()), Some(from))
    }

    /// Sends these bytes from this address, and reads all that comes: status and body.
    pub async fn exchange(&self, from: IpAddr, request: &[u8]) -> (u16, Value) {
        let mut stream = self.connect(from).await;
        stream.write_all(request).await.unwrap();
        read(stream).await
    }

    /// A request with this body, from this address.
    pub async fn request_from(&self, from: IpAddr, line: &str, body: &str) -> (u16, Value) {
        let length = body.len();
        let head = format!("{line} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n");
        self.exchange(from, format!("{head}{body}").as_bytes())
            .await
    }

    /// A request with this body.
    pub async fn request(&self, line: &str, body: &str) -> (u16, Value) {
        self.request_from(HERE, line, body).await
    }

    /// Posts this as an announcement, from this address.
    pub async fn post_from(&self, from: IpAddr, body: &str) -> (u16, Value) {
        self.request_from(from, &format!("POST {PATH}"), body).await
    }

    /// Posts this as an announcement, from the address that it names if that is one
    /// of this machine's.
    pub async fn post(&self, body: &str) -> (u16, Value) {
        let said = serde_json::from_str::<Value>(body).unwrap_or_default();
        let address = said["address"].as_str().and_then(|text| text.parse().ok());
        let from = address.filter(IpAddr::is_loopback).unwrap_or(HERE);
        self.post_from(from, body).await
    }

    /// Announces a member, and returns the answer.
    pub async fn announce(&self, said: &Announcement) -> meshworker::announce::Answer {
        let (status, answer) = self.post(&json!(said).to_string()).await;
        assert_eq!(status, 200, "{answer}");
        serde_json::from_value(answer).unwrap()
    }
}

/// Reads an answer to its end.
pub async fn read(mut stream: impl AsyncRead + Unpin) -> (u16, Value) {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

/// A member at this address says where it is in its life.
pub fn member(slot: u64, address: IpAddr, phase: Phase, generation: u64) -> Announcement {
    Announcement {
        cluster: "db".to_owned(),
        service: "stack_db".to_owned(),
        slot,
        task: format!("task{slot}"),
        node: "node".to_owned(),
        address,
        port: None,
        phase,
        generation,
        node_name: None,
        disk: None,
        known_as: None,
        fence: None,
    }
}
