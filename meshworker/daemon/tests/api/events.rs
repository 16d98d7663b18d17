//! What has happened: the history, and the stream.

use meshworker::board::{Fact, Registration};
use meshworker::status::{Event, EventKind, Events};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::office::{Office, Opening};
use super::support::{PATIENCE, World};

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
        let mut stream = office.connect().await;
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
    async fn ids(&mut self, count: usize) -> Vec<u64> {
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

fn happen(open: &Registration, count: usize) {
    for _ in 0..count {
        open.sheet().record(Fact::new(EventKind::Member, "again"));
    }
}

async fn desk() -> (Office, Registration) {
    let world = World::new().await;
    let office = Office::without_worker(Opening::default()).await;
    let open = office.board.open(&world.cluster(&[]));
    (office, open)
}

fn range(from: u64, to: u64) -> Vec<u64> {
    (from..=to).collect()
}

#[tokio::test]
async fn the_history_is_told_in_parts() {
    let (office, open) = desk().await;
    let none: Events = office.read("/v1/events").await;
    assert_eq!((none.events.len(), none.oldest, none.newest), (0, 0, 0));
    happen(&open, 150);
    open.sheet()
        .record(Fact::new(EventKind::Member, "about one").about("db.1"));
    let ids = async |query: &str| {
        let events: Events = office.read(&format!("/v1/events{query}")).await;
        assert_eq!((events.oldest, events.newest), (1, 151));
        events
            .events
            .iter()
            .map(|event| event.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(ids("").await, range(52, 151));
    assert_eq!(ids("?limit=1000").await, range(1, 151));
    assert_eq!(ids("?limit=3").await, range(149, 151));
    assert_eq!(ids("?after=148").await, range(149, 151));
    assert_eq!(ids("?after=100&limit=2").await, range(150, 151));
    assert!(ids("?after=151").await.is_empty());
    assert_eq!(ids("?member=db.1").await, [151]);
    assert_eq!(ids("?cluster=db&member=db.1").await, [151]);
    assert!(ids("?cluster=other").await.is_empty());
    let cases = [
        ("?limit=0", "limit: found '0'; allowed: 1 to 1000"),
        ("?limit=1001", "limit: found '1001'; allowed: 1 to 1000"),
        ("?limit=x", "query: "),
        ("?after=-1", "query: "),
        ("?who=x", "query: "),
    ];
    for (query, expected) in cases {
        for path in ["/v1/events", "/v1/events/stream"] {
            let error = office.get(&format!("{path}{query}")).await.refused(400);
            assert!(error.starts_with(expected), "{query}: {error}");
        }
    }
    office.close().await;
}

#[tokio::test]
async fn a_reader_hears_of_a_cluster_that_forms_in_order() {
    let mut world = World::new().await;
    let office = Office::open(&world, Opening::default()).await;
    let mut reader = Reader::start(&office, "?after=0", None).await;
    let mut other = Reader::start(&office, "?cluster=other&after=0", None).await;
    world.start([1, 2, 3]).await;
    world.list([1, 2, 3]);
    office.one(3).await;
    office.hold(true).await;
    let mut heard = Vec::new();
    let mut changed = false;
    while heard
        .last()
        .is_none_or(|event: &Event| event.kind != EventKind::Order)
    {
        let message = reader.next().await;
        match &*message.event {
            "fact" => heard.push(serde_json::from_value(message.data).unwrap()),
            "cluster" => changed |= message.data["cluster"] == "db",
            // A comment.
            "" => {}
            other => panic!("{other}: {message:?}"),
        }
    }
    assert!(changed, "nobody was told to look again");
    let mut history = office.history().await;
    history.truncate(heard.len());
    assert_eq!(heard, history);
    // Whoever asks for another cluster hears only that he is heard.
    let comment = other.next().await;
    assert!(comment.comment.is_some(), "{comment:?}");
    office.close().await;
}

#[tokio::test]
async fn a_reader_that_comes_back_misses_nothing_and_hears_nothing_twice() {
    let (office, open) = desk().await;
    happen(&open, 20);
    // Who asks for no past hears none.
    let mut reader = Reader::start(&office, "", None).await;
    happen(&open, 5);
    assert_eq!(reader.ids(5).await, range(21, 25));
    drop(reader);
    happen(&open, 5);
    let mut reader = Reader::start(&office, "", Some(25)).await;
    happen(&open, 5);
    assert_eq!(reader.ids(10).await, range(26, 35));
    // What the header says is newer than what the address says.
    let mut reader = Reader::start(&office, "?after=2", Some(33)).await;
    assert_eq!(reader.ids(2).await, range(34, 35));
    let mut reader = Reader::start(&office, "?after=33", None).await;
    assert_eq!(reader.ids(2).await, range(34, 35));
    // It heard another worker, which counted further.
    let mut reader = Reader::start(&office, "", Some(1_000_000)).await;
    assert_eq!(reader.ids(35).await, range(1, 35));
    office.close().await;
}

#[tokio::test]
async fn a_reader_that_comes_back_all_the_time_while_much_happens_hears_each_fact_once() {
    let (office, open) = desk().await;
    let writer = tokio::spawn(async move {
        for _ in 0..600 {
            happen(&open, 1);
            tokio::task::yield_now().await;
        }
        open
    });
    let mut heard = Vec::new();
    while heard.len() < 600 {
        let mut reader = Reader::start(&office, "?after=0", heard.last().copied()).await;
        let rest = 600 - heard.len();
        heard.extend(reader.ids(rest.min(7)).await);
    }
    assert_eq!(heard, range(1, 600));
    drop(writer.await.unwrap());
    office.close().await;
}

#[tokio::test]
async fn a_reader_that_is_too_slow_is_told_how_much_it_missed() {
    let (office, open) = desk().await;
    let mut reader = Reader::start(&office, "", None).await;
    happen(&open, 1);
    assert_eq!(reader.ids(1).await, [1]);
    // All at once: nobody can have read any of it.
    happen(&open, 2_000);
    let missed = reader.next().await;
    assert_eq!(missed.event, "missed");
    let missed = missed.data["missed"].as_u64().unwrap();
    assert!(missed > 0);
    let rest = 2_000 - missed;
    assert_eq!(reader.ids(rest as usize).await, range(2 + missed, 2_001));
    // Whoever was away for too long is told so too.
    let mut late = Reader::start(&office, "", Some(1)).await;
    let missed = late.next().await;
    assert_eq!(
        (&*missed.event, &missed.data["missed"]),
        ("missed", &1_000.into())
    );
    assert_eq!(late.ids(1_000).await, range(1_002, 2_001));
    office.close().await;
}

#[tokio::test]
async fn there_are_so_many_streams_and_no_more() {
    let (office, open) = desk().await;
    let mut readers = Vec::new();
    for _ in 0..256 {
        readers.push(Reader::start(&office, "", None).await);
    }
    let error = office.get("/v1/events/stream").await.refused(503);
    assert!(error.starts_with("streams: "), "{error}");
    // They take nobody else's place.
    assert_eq!(office.get("/v1/health").await.status, 200);
    happen(&open, 1);
    for reader in &mut readers {
        assert_eq!(reader.ids(1).await, [1]);
    }
    drop(readers);
    office.close().await;
}
