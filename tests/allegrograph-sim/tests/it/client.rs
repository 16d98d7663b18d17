//! A client: one request, one reply.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub const PORT: u16 = 10035;

pub const USER: &str = "test";

/// One that has to be encoded wherever it stands in a query.
pub const PASSWORD: &str = "xy&zzy/ü=1";

/// The status and the body; none where no whole reply came.
pub async fn ask(at: IpAddr, method: &str, path: &str, body: &str) -> Option<(u16, String)> {
    ask_as(Some(PASSWORD), at, method, path, body).await
}

pub async fn ask_as(
    password: Option<&str>,
    at: IpAddr,
    method: &str,
    path: &str,
    body: &str,
) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect((at, PORT)).await.ok()?;
    let login = password.map(|password| STANDARD.encode(format!("{USER}:{password}")));
    let login = login.map(|pair| format!("Authorization: Basic {pair}\r\n"));
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n{}\
         x-repl-settings: durability=2\r\nContent-Length: {}\r\n\r\n{body}",
        login.unwrap_or_default(),
        body.len()
    );
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.ok()?;
    let (head, body) = reply.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}

pub async fn put(at: IpAddr, path: &str) -> Option<(u16, String)> {
    ask(at, "PUT", path, "").await
}

pub async fn get(at: IpAddr, path: &str) -> Option<(u16, String)> {
    ask(at, "GET", path, "").await
}

/// Waits until somebody answers there.
pub async fn until_up(at: IpAddr) {
    let up = aerospike_sim::testing::wait_for(
        "a server",
        aerospike_sim::testing::PATIENCE,
        async || ask_as(None, at, "GET", "/version", "").await,
        Option::is_some,
    );
    up.await.unwrap();
}
