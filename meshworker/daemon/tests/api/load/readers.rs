//! Readers of the stream that take their time.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::support::PATIENCE;

/// A stream whose reader takes its greeting and then nothing.
pub async fn slow_reader(number: usize, address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    // One client has a share of the streams.
    let from = u8::try_from(number / 16).unwrap();
    socket.bind(([127, 0, 4, from], 0).into()).unwrap();
    socket.set_recv_buffer_size(4 * 1024).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let ask = b"GET /v1/events/stream HTTP/1.0\r\n\r\n";
    stream.write_all(ask).await.unwrap();
    let mut heard = Vec::new();
    while !heard.windows(7).any(|part| part == b": hello") {
        assert!(
            stream.read_buf(&mut heard).await.unwrap() > 0,
            "it was not taken"
        );
    }
    stream
}

/// What became of slow readers.
#[derive(Debug, Default)]
pub struct Fates {
    /// They were told that they missed something.
    pub missed: usize,
    /// They were cut.
    pub cut: usize,
    /// They heard everything.
    pub whole: usize,
}

impl Fates {
    /// Lets all of them read on, until they hear the last order.
    pub async fn of(readers: Vec<TcpStream>, last: &str) -> Fates {
        let mut fates = Fates::default();
        for reader in readers {
            *fates.of_one(reader, last).await += 1;
        }
        fates
    }

    /// What one reader is told: nothing is missing without a word.
    async fn of_one(&mut self, mut reader: TcpStream, last: &str) -> &mut usize {
        let mut text = Vec::new();
        let mut before = None;
        loop {
            let read = timeout(PATIENCE, reader.read_buf(&mut text)).await;
            match read.expect("a reader is neither told anything nor cut") {
                Ok(1..) => {}
                _ => return &mut self.cut,
            }
            while let Some(end) = text.windows(2).position(|part| part == b"\n\n") {
                let block = String::from_utf8(text.drain(..end + 2).collect()).unwrap();
                if block.contains("event: missed") {
                    return &mut self.missed;
                }
                if let Some(id) = block.lines().find_map(|line| line.strip_prefix("id: ")) {
                    let id: u64 = id.parse().unwrap();
                    let follows = before.is_none_or(|before| id == before + 1);
                    assert!(follows, "{id} after {before:?}");
                    before = Some(id);
                }
                if block.contains(last) {
                    return &mut self.whole;
                }
            }
        }
    }
}
