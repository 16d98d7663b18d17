//! What is refused, without harm to anybody else.

use std::net::IpAddr;
use std::time::Duration;

use meshworker::announce::{PATH, Phase};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::post::{Post, member};
use crate::support::PATIENCE;

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 7));

/// A good announcement with one field replaced.
fn with(field: &str, value: Value) -> String {
    let mut said = json!(member(1, HERE, Phase::Present, 1));
    said[field] = value;
    said.to_string()
}

fn error(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["error"].as_str().unwrap())
}

#[tokio::test]
async fn only_a_member_of_a_known_cluster_comes_in() {
    let post = Post::open().await;
    let open = post.registry.open("db");
    let good = with("slot", json!(1));
    let other = post.post(&with("cluster", json!("other"))).await;
    assert_eq!(
        error(&other),
        (
            404,
            "cluster: found 'other'; allowed: one that this worker looks after"
        )
    );
    let nobody = open.desk().report(Instant::now()).0;
    assert_eq!(nobody.sightings, []);
    assert_eq!(post.post(&good).await.0, 200);
    drop(open);
    assert_eq!(post.post(&good).await.0, 404);
    post.close().await;
}

#[tokio::test]
async fn what_cannot_be_an_announcement_is_named() {
    let post = Post::open().await;
    let open = post.registry.open("db");
    let long = "x".repeat(254);
    let cases = [
        ("nonsense".to_owned(), "body: it is no announcement"),
        (String::new(), "body: it is no announcement"),
        ("{}".to_owned(), "missing field `cluster`"),
        (
            with("slot", json!(-1)),
            "body: it is no announcement: invalid value: integer `-1`, expected u64",
        ),
        (with("slot", json!(-1)), "invalid value: integer `-1`"),
        (with("slot", json!("1")), "invalid type: string"),
        (with("phase", json!("gone")), "unknown variant `gone`"),
        (with("address", json!("db")), "invalid IP address"),
        (with("address", json!("0.0.0.0")), "address: found 0.0.0.0"),
        (
            with("address", json!("::ffff:0.0.0.0")),
            "address: found 0.0.0.0",
        ),
        (
            with("address", json!("224.0.0.1")),
            "address: found 224.0.0.1",
        ),
        (with("service", json!("")), "service: found ''"),
        (with("service", json!(long)), "service: found 254 bytes"),
        (with("task", json!("a\nb")), "without control characters"),
    ];
    for (body, expected) in cases {
        let answer = post.post(&body).await;
        let (status, said) = error(&answer);
        assert_eq!(status, 400, "{body}: {said}");
        assert!(said.contains(expected), "{body}: {said}");
    }
    assert_eq!(open.desk().report(Instant::now()).0.sightings, []);
    post.close().await;
}

#[tokio::test]
async fn bodies_and_heads_have_a_bound() {
    let post = Post::open().await;
    let _open = post.registry.open("db");
    let fits = format!("{}{}", with("slot", json!(1)), " ".repeat(15_000));
    assert_eq!(post.post(&fits).await.0, 200);
    for length in [16 * 1024 + 1, 200_000] {
        let answer = post.post(&" ".repeat(length)).await;
        assert_eq!(
            error(&answer),
            (
                413,
                "body: found more than 16384 bytes; allowed: 16384 at most"
            )
        );
    }
    let mut head = post.connect(HERE).await;
    let mut sent = head
        .write_all(format!("GET / HTTP/1.1\r\nx: {}", "x".repeat(100_000)).as_bytes())
        .await;
    let mut answer = Vec::new();
    if sent.is_ok() {
        sent = timeout(PATIENCE, head.read_to_end(&mut answer))
            .await
            .unwrap()
            .map(|_| ());
    }
    let text = String::from_utf8_lossy(&answer).into_owned();
    assert!(sent.is_err() || text.starts_with("HTTP/1.1 431"), "{text}");
    post.close().await;
}

#[tokio::test]
async fn other_paths_and_methods_are_no_announcements() {
    let post = Post::open().await;
    let (status, health) = post.request("GET /v1/health", "").await;
    assert_eq!((status, health), (200, json!({ "status": "ok" })));
    assert_eq!(post.request("GET /v1/members", "").await.0, 404);
    assert_eq!(post.request(&format!("GET {PATH}"), "").await.0, 405);
    post.close().await;
}

/// Half a head, half a body, nothing at all, or no end of bytes that are none:
/// each is cut after the deadline, and the others are answered meanwhile.
#[tokio::test]
async fn whoever_stalls_is_cut_and_keeps_nobody_waiting() {
    let post = Post::open().await;
    let _open = post.registry.open("db");
    let half = format!("POST {PATH} HTTP/1.1\r\nhost: x\r\n");
    let body = format!("{half}content-length: 500\r\n\r\n{{");
    let mut stalled = Vec::new();
    // As many as there are places.
    for number in 0..256 {
        let mut stream = TcpStream::connect(post.address).await.unwrap();
        let sent = ["", &half, &body][number % 3];
        stream.write_all(sent.as_bytes()).await.unwrap();
        stalled.push(stream);
    }
    let answer = timeout(PATIENCE, post.post(&with("slot", json!(1)))).await;
    assert_eq!(answer.unwrap().0, 200);
    for mut stream in stalled {
        // Cut, in whatever way.
        let mut rest = Vec::new();
        let _ = timeout(PATIENCE, stream.read_to_end(&mut rest))
            .await
            .unwrap();
    }
    post.close().await;
}

/// Who stalls does not keep the process from ending either.
#[tokio::test]
async fn the_server_ends_although_somebody_stalls() {
    let post = Post::open().await;
    let mut stream = TcpStream::connect(post.address).await.unwrap();
    stream.write_all(b"POST /v1").await.unwrap();
    // Whoever is answered now came after the one that stalls.
    assert_eq!(post.request("GET /v1/health", "").await.0, 200);
    // From here on time is what the server waits for, however busy the machine is.
    tokio::time::pause();
    let began = Instant::now();
    timeout(PATIENCE, post.close()).await.unwrap();
    let took = began.elapsed();
    assert!(took <= Duration::from_millis(1010), "{took:?}");
}
