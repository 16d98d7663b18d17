//! HTTP by hand, so that it can also be spoken badly.

use std::net::{IpAddr, SocketAddr};

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// What came back.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub text: String,
}

impl Reply {
    /// Reads an answer to its end.
    pub async fn read(stream: impl AsyncRead + Unpin) -> Reply {
        Reply::try_read(stream).await.unwrap()
    }

    /// Reads an answer to its end, of a stream of events the greeting; none when there is no whole one.
    pub async fn try_read(mut stream: impl AsyncRead + Unpin) -> Option<Reply> {
        let mut bytes = Vec::new();
        // A connection that is reset after its answer was still answered.
        while let Ok(1..) = stream.read_buf(&mut bytes).await {
            if is_greeting(&bytes) {
                break;
            }
        }
        let answer = String::from_utf8(bytes).ok()?;
        let (head, text) = answer.split_once("\r\n\r\n")?;
        Some(Reply {
            status: head.split(' ').nth(1)?.parse().ok()?,
            head: head.to_ascii_lowercase(),
            text: text.to_owned(),
        })
    }

    /// What a header says, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|why| panic!("{why}: {self:?}"))
    }

    /// That the request was refused so, in the one shape that refusals have;
    /// and what it says.
    pub fn refused(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{self:?}");
        assert!(
            self.head.contains("content-type: application/json"),
            "{self:?}"
        );
        let body = self.json();
        let fields: Vec<&String> = body.as_object().unwrap().keys().collect();
        assert_eq!(fields, ["error"]);
        let error = body["error"].as_str().unwrap().to_owned();
        assert_eq!(error.lines().count(), 1, "{error}");
        error
    }
}

/// Whether this is a stream of events, which has no end, up to the end of what it begins with.
fn is_greeting(bytes: &[u8]) -> bool {
    let has = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).any(|part| part == what);
    let head = &bytes[..bytes.len().min(256)];
    has(head, b"text/event-stream") && has(bytes, b"\n\n")
}

/// The bytes of a request.
pub fn request(line: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut text = format!("{line} HTTP/1.1\r\nhost: x\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    [text.as_bytes(), body].concat()
}

/// Connects from this address of loopback.
pub async fn connect_from(from: IpAddr, to: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    socket.connect(to).await
}

/// Sends these bytes over a connection, and reads all that comes.
pub async fn exchange(mut stream: TcpStream, bytes: &[u8]) -> Option<Reply> {
    // Whoever is refused early may not be listened to until the end.
    let _ = stream.write_all(bytes).await;
    Reply::try_read(stream).await
}
