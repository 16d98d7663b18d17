//! HTTP by hand.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// As it stands in a path or query.
pub fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Sends this, and reads the answer's body: all of it, or of a stream so much that
/// this is in it.
pub async fn exchange(to: SocketAddr, request: &[u8], until: Option<&str>) -> String {
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut bytes = Vec::new();
    while let Ok(1..) = stream.read_buf(&mut bytes).await {
        let text = String::from_utf8_lossy(&bytes);
        if until.is_some_and(|until| text.contains(until) && text.ends_with("\n\n\r\n")) {
            break;
        }
    }
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    match until {
        // In chunks; what is between them is no part of it.
        Some(_) => body.split("\r\n").skip(1).step_by(2).collect(),
        None => {
            assert!(head.starts_with("HTTP/1.1 "), "{head}");
            body.to_owned()
        }
    }
}

pub async fn get(to: SocketAddr, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
    exchange(to, request.as_bytes(), None).await
}
