//! What has happened: the history, and the stream.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use meshworker::board::{Board, Fact, Registration};
use meshworker::http::{Lease, Peer};
use meshworker::operators;
use meshworker::status::{Event, EventKind, Events};
use tokio::time::Instant;

use super::office::{Office, Opening};
use super::reader::Reader;
use super::reply::{connect_from, exchange, request};
use super::support::World;

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
    // Whoever asks for another cluster heard nothing of it.
    let registration = office.board.open(&world.cluster(&[("name", "other")]));
    happen(&registration, 1);
    let first = other.next().await;
    assert_eq!(first.data["cluster"], "other", "{first:?}");
    office.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_hears_nothing_for_long_hears_that_somebody_is_there() {
    let desk = operators::Desk::new(Board::new(Default::default()));
    let routes = TowerToHyperService::new(operators::router(desk));
    let mut request = Request::get("/v1/events/stream")
        .body(Body::empty())
        .unwrap();
    request.extensions_mut().insert(Lease::default());
    request.extensions_mut().insert(Peer([127, 0, 0, 1].into()));
    let mut stream = routes.call(request).await.unwrap().into_body();
    let began = Instant::now();
    for (said, after) in [
        (": hello\n\n", 0),
        (": still here\n\n", 15),
        (": still here\n\n", 30),
    ] {
        let frame = stream.frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), said);
        assert_eq!(began.elapsed(), Duration::from_secs(after));
    }
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
    for number in 0..256_u16 {
        let from = [127, 0, 5, u8::try_from(number / 32).unwrap()];
        readers.push(Reader::start_from(from.into(), &office, "", None).await);
        // One client has not all of them.
        if number == 31 {
            let ask = request("GET /v1/events/stream", &[], "");
            let more = connect_from(from.into(), office.address).await.unwrap();
            exchange(more, &ask).await.unwrap().refused(503);
        }
    }
    // Whoever has none takes the oldest of whoever has most.
    readers.push(Reader::start(&office, "", None).await);
    let cut = readers.remove(0).ends().await;
    assert!(cut, "there is one more than there are places");
    let more = connect_from([127, 0, 5, 1].into(), office.address).await;
    let ask = request("GET /v1/events/stream", &[], "");
    let refused = exchange(more.unwrap(), &ask).await.unwrap();
    let error = refused.refused(503);
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
