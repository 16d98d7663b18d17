//! A worker's server on a free port, and a client that speaks HTTP by hand, so
//! that it can also speak it badly.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use meshworker::announce::{Announcement, PATH, Phase, Registry};
use meshworker::api::{Server, State, Token, router};
use meshworker_engines::SecretFile;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What every request here carries, unless a test says otherwise.
pub const TOKEN: &str = "a token of the tests";

/// A server that listens until it is closed.
pub struct Post {
    pub registry: Arc<Registry>,
    pub address: SocketAddr,
    pub stop: watch::Sender<bool>,
    server: JoinHandle<()>,
    _file: tempfile::NamedTempFile,
}

impl Post {
    pub async fn open() -> Post {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), TOKEN).unwrap();
        let registry = Registry::new();
        let state = State {
            token: Arc::new(Token::in_file(SecretFile::new(file.path())).unwrap()),
            registry: Arc::clone(&registry),
        };
        let server = Server::bind(([127, 0, 0, 1], 0).into(), router(state), "tests");
        let server = server.await.unwrap();
        let address = server.address();
        let (stop, stopped) = watch::channel(false);
        Post {
            registry,
            address,
            stop,
            server: tokio::spawn(server.run(stopped)),
            _file: file,
        }
    }

    /// Stops the server, and waits until it has.
    pub async fn close(self) {
        self.stop.send_replace(true);
        self.server.await.unwrap();
    }

    /// Sends these bytes, and reads all that comes: status and body.
    pub async fn exchange(&self, request: &[u8]) -> (u16, Value) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request).await.unwrap();
        read(stream).await
    }

    /// A request with this token, none if it is empty, and this body.
    pub async fn request(&self, line: &str, token: &str, body: &str) -> (u16, Value) {
        let length = body.len();
        let token = match token {
            "" => String::new(),
            token => format!("authorization: Bearer {token}\r\n"),
        };
        let head = format!("{line} HTTP/1.1\r\nhost: x\r\n{token}content-length: {length}\r\n\r\n");
        self.exchange(format!("{head}{body}").as_bytes()).await
    }

    /// Posts this as an announcement.
    pub async fn post(&self, body: &str) -> (u16, Value) {
        self.request(&format!("POST {PATH}"), TOKEN, body).await
    }

    /// Announces a member, and returns the answer.
    pub async fn announce(&self, said: &Announcement) -> meshworker::announce::Answer {
        let (status, answer) = self.post(&json!(said).to_string()).await;
        assert_eq!(status, 200, "{answer}");
        serde_json::from_value(answer).unwrap()
    }
}

/// Reads an answer to its end.
pub async fn read(mut stream: TcpStream) -> (u16, Value) {
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
        phase,
        generation,
    }
}
