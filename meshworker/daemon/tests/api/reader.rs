//! A reader of the stream of events.

use std::net::IpAddr;

use meshworker::status::Event;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::office::Office;
use super::reply::connect_from;
use super::support::PATIENCE;

/// One message of a stream.
#[derive(Debug, Clone)]
pub struct Message {
    pub event: String,
    pub id: Option<u64>,
    pub data: Value,
    pub comment: Option<String>,
}

/// A reader of the stream.
pub struct Reader {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Reader {
    /// Begins to read; its greeting is over.
    pub async fn start(office: &Office, query: &str, last: Option<u64>) -> Reader {
        let here = IpAddr::from([127, 0, 0, 1]);
        Reader::start_from(here, office, query, last).await
    }

    /// Whether it ends, without another word.
    pub async fn ends(mut self) -> bool {
        self.block("\n\n").await.is_none()
    }

    /// The same, from this address.
    pub async fn start_from(
        from: IpAddr,
        office: &Office,
        query: &str,
        last: Option<u64>,
    ) -> Reader {
        let mut stream = connect_from(from, office.address).await.unwrap();
        let last = last
            .map(|id| format!("last-event-id: {id}\r\n"))
            .unwrap_or_default();
        // The old version sends the body as it is, not in chunks.
        let head = format!("GET /v1/events/stream{query} HTTP/1.0\r\n{last}\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut reader = Reader {
            stream,
            buffer: Vec::new(),
        };
        let head = reader.block("\r\n\r\n").await.unwrap().to_ascii_lowercase();
        assert!(head.contains(" 200 "), "{head}");
        assert!(head.contains("content-type: text/event-stream"), "{head}");
        assert!(head.contains("cache-control: no-store"), "{head}");
        let greeting = reader.next().await;
        assert_eq!(greeting.comment.as_deref(), Some(" hello"));
        reader
    }

    /// The next message.
    pub async fn next(&mut self) -> Message {
        self.try_next().await.unwrap()
    }

    /// The next message; none when the stream is over.
    pub async fn try_next(&mut self) -> Option<Message> {
        let block = self.block("\n\n").await?;
        let field = |name: &str| {
            let mut lines = block.lines();
            lines.find_map(|line| line.strip_prefix(name).map(str::to_owned))
        };
        let data = field("data: ");
        Some(Message {
            event: field("event: ").unwrap_or_default(),
            id: field("id: ").map(|id| id.parse().unwrap()),
            data: data.map_or(Value::Null, |data| serde_json::from_str(&data).unwrap()),
            comment: field(":"),
        })
    }

    /// The next fact: all that comes before it is put aside.
    pub async fn fact(&mut self) -> Event {
        loop {
            let message = self.next().await;
            if message.event == "fact" {
                let event: Event = serde_json::from_value(message.data).unwrap();
                assert_eq!(message.id, Some(event.id));
                return event;
            }
        }
    }

    /// The next so many facts' ids.
    pub async fn ids(&mut self, count: usize) -> Vec<u64> {
        let mut ids = Vec::new();
        while ids.len() < count {
            ids.push(self.fact().await.id);
        }
        ids
    }

    async fn block(&mut self, end: &str) -> Option<String> {
        loop {
            let text = String::from_utf8_lossy(&self.buffer);
            if let Some((block, _)) = text.split_once(end) {
                let block = block.to_owned();
                self.buffer.drain(..block.len() + end.len());
                return Some(block);
            }
            let mut part = [0; 16 * 1024];
            let read = timeout(PATIENCE, self.stream.read(&mut part)).await;
            let read = read.unwrap_or_else(|_| panic!("nothing came; before: {text}"));
            match read {
                Ok(read) if read > 0 => self.buffer.extend_from_slice(&part[..read]),
                _ => return None,
            }
        }
    }
}
