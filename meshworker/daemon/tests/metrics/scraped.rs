//! What a scrape gets, through the server for operators.

use std::collections::BTreeSet;
use std::sync::Arc;

use meshworker::board::{Board, Powers, Sheet};
use meshworker::http::Server;
use meshworker::metrics::{CONTENT_TYPE, registry, scrape};
use meshworker::operators;
use meshworker_group::Order;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::looks::{cluster, look, present, step, story};
use crate::text::{family, read, value};
use meshworker_core::Witness;

/// What `GET /metrics` answers: head and body.
pub async fn get(board: Arc<Board>) -> (String, String) {
    let routes = operators::router(operators::Desk::new(board));
    let server = Server::bind(([127, 0, 0, 1], 0).into(), routes, "tests");
    let server = server.await.unwrap();
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let (stop, stopped) = watch::channel(false);
    let server = tokio::spawn(server.run(stopped));
    let request = b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    stop.send_replace(true);
    server.await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), body.to_owned())
}

#[tokio::test]
async fn a_scrape_shows_what_passes_saw() {
    let board = Board::new(Powers::default());
    let cache = board.open(&cluster("cache", "redis"));
    let _store = board.open(&cluster("store", "aerospike"));
    for look in story() {
        cache.sheet().publish(look);
    }
    hold(cache.sheet(), Some("cache_redis.2")).await;
    let (head, body) = get(Arc::clone(&board)).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(head.contains(CONTENT_TYPE), "{head}");
    let samples = read(&body);
    let is = |name: &str, labels: &[(&str, &str)]| value(&samples, name, labels);
    let cache = ("cluster", "cache");
    assert_eq!(is("clusters", &[]), Some(2.0));
    for (state, members) in [
        ("joined", 3.0),
        ("joining", 0.0),
        ("silent", 0.0),
        ("leaving", 1.0),
        ("released", 0.0),
        ("refused", 0.0),
        ("unknown", 1.0),
    ] {
        let found = is("members", &[cache, ("state", state)]);
        assert_eq!(found, Some(members), "{state}");
    }
    assert_eq!(is("cluster_one", &[cache]), Some(1.0));
    assert_eq!(
        is(
            "sightings",
            &[cache, ("witness", "dns"), ("grade", "answer")]
        ),
        Some(4.0)
    );
    assert_eq!(is("sightings", &[cache, ("witness", "docker")]), Some(4.0));
    assert_eq!(is("desired_members", &[cache]), Some(3.0));
    assert_eq!(is("dns_stale_members", &[cache]), Some(1.0));
    assert_eq!(is("dns_missing_members", &[cache]), Some(1.0));
    assert_eq!(is("leavers", &[cache, ("release", "held")]), Some(1.0));
    assert_eq!(is("leave_left", &[cache, ("unit", "slots")]), Some(5000.0));
    assert_eq!(
        is("refusals", &[cache, ("kind", "release_gate_5_data_safe")]),
        Some(1.0)
    );
    assert!(is("member_roles", &[cache, ("role", "master")]).unwrap() >= 2.0);
    assert_eq!(is("join_duration_seconds_count", &[cache]), Some(1.0));
    assert_eq!(is("held_members", &[cache]), Some(1.0));
    assert_eq!(is("cluster_held", &[cache]), Some(0.0));
    assert_eq!(is("removals_enabled", &[cache]), Some(1.0));
    assert_eq!(is("dry_run", &[cache]), Some(0.0));
    let events = [cache, ("kind", "member"), ("severity", "info")];
    assert!(is("events_total", &events).unwrap() >= 6.0);
    // Before its first pass a cluster is known, and nothing of it is claimed.
    let store = ("cluster", "store");
    assert_eq!(
        is("cluster_info", &[store, ("engine", "aerospike")]),
        Some(1.0)
    );
    assert_eq!(is("passes_total", &[store]), Some(0.0));
    assert_eq!(is("cluster_one", &[store]), None);
    // And nothing that is registered is missing.
    let shown: BTreeSet<&str> = samples
        .iter()
        .map(|s| family(&s.name).unwrap().name)
        .collect();
    let mut all: BTreeSet<&str> = registry::ALL.iter().map(|family| family.name).collect();
    // This worker shows no certificate.
    all.remove(registry::CERTIFICATE_ENDS.name);
    assert_eq!(shown, all);
}

#[tokio::test]
async fn a_cluster_that_is_no_longer_looked_after_is_no_longer_shown() {
    let board = Board::new(Powers::default());
    let open = board.open(&cluster("cache", "redis"));
    open.sheet()
        .publish(look(1, vec![present(Witness::Dns, &[1])], &[1], &[]));
    assert!(scrape(&board).contains("cluster=\"cache\""));
    drop(open);
    let page = scrape(&board);
    read(&page);
    assert!(!page.contains("cluster="), "{page}");
}

async fn hold(sheet: &Sheet, member: Option<&str>) {
    let order = Order::Hold {
        member: member.map(str::to_owned),
        why: "disk".into(),
        until_ms: None,
    };
    sheet.orders().give(None, order).await.unwrap();
}

#[tokio::test]
async fn a_worker_without_powers_says_so() {
    let board = Board::new(Powers {
        dry_run: true,
        removals: false,
    });
    let open = board.open(&cluster("cache", "redis"));
    hold(open.sheet(), None).await;
    let mut planned = look(1, vec![present(Witness::Dns, &[1])], &[1], &[]);
    planned.steps = vec![step("forget", None)];
    open.sheet().publish(planned);
    let samples = read(&scrape(&board));
    let is = |name: &str, labels: &[(&str, &str)]| value(&samples, name, labels);
    assert_eq!(is("dry_run", &[]), Some(1.0));
    assert_eq!(is("removals_enabled", &[]), Some(0.0));
    assert_eq!(is("cluster_held", &[]), Some(1.0));
    assert_eq!(is("planned_steps", &[("kind", "forget")]), Some(1.0));
    let made = [("kind", "forget"), ("outcome", "ok")];
    assert_eq!(is("steps_total", &made), Some(0.0));
    // A refusal that stood and does not is none.
    assert_eq!(is("refusals", &[]), None);
}
