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

    /// Reads an answer to its end; none when there is no whole one.
    pub async fn try_read(mut stream: impl AsyncRead + Unpin) -> Option<Reply> {
        let mut bytes = Vec::new();
        // A connection that is reset after its answer was still answered.
        let _ = stream.read_to_end(&mut bytes).await;
        let answer = String::from_utf8(bytes).ok()?;
        let (head, text) = answer.split_once("\r\n\r\n")?;
        Some(Reply {
            status: head.split(' ').nth(1)?.parse().ok()?,
            head: head.to_ascii_lowercase(),
            text: text.to_owned(),
        })
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

/// The bytes of a request.
pub fn request(line: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut text = format!("{line} HTTP/1.1\r\nhost: x\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    let length = body.len();
    format!("{text}content-length: {length}\r\n\r\n{body}").into_bytes()
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
