//! Clients that run wild, stall, crowd or talk nonsense.

use std::net::IpAddr;

use axum::body::Body;
use axum::http::{HeaderMap, Request, Response};
use futures_util::future::join_all;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use meshworker::board::Board;
use meshworker::http::{Peer, limited};
use meshworker::operators;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::office::{Office, Opening};
use super::reply::{Reply, exchange, request};
use super::support::PATIENCE;

/// Several times as many connections as one client has places, and few enough that each
/// has its turn long before those that wait are cut themselves.
const STALLED: usize = 64;

#[tokio::test]
async fn one_client_that_runs_wild_is_slowed_down_and_others_are_not() {
    let routes = limited(
        None,
        operators::router(operators::Desk::new(Board::new(Default::default()))),
    );
    let routes = TowerToHyperService::new(routes);
    let ask = async |from: [u8; 4]| -> Response<Body> {
        let mut request = Request::get("/v1/health").body(Body::empty()).unwrap();
        request.extensions_mut().insert(Peer(IpAddr::from(from)));
        routes.call(request).await.unwrap()
    };
    let mut sent = 0;
    let refused = loop {
        let answer = ask([127, 0, 0, 1]).await;
        sent += 1;
        assert!(sent < 100_000, "it is never refused");
        if answer.status() != 200 {
            break answer;
        }
    };
    assert!(sent > 500, "{sent}");
    assert_eq!(refused.status(), 429);
    let header = |headers: &HeaderMap, name: &str| headers[name].to_str().unwrap().to_owned();
    assert_eq!(header(refused.headers(), "retry-after"), "1");
    assert_eq!(
        header(refused.headers(), "content-type"),
        "application/json"
    );
    let text = axum::body::to_bytes(refused.into_body(), 1_000)
        .await
        .unwrap();
    let text = String::from_utf8(text.to_vec()).unwrap();
    assert_eq!(
        text,
        r#"{"error":"requests: found more than 500 in a second; allowed: fewer"}"#
    );
    assert_eq!(ask([127, 0, 0, 2]).await.status(), 200);
}

#[tokio::test]
async fn three_hundred_at_once_are_all_answered() {
    let office = Office::without_worker(Opening::default()).await;
    let bytes = request("GET /v1/health", &[], "");
    let answers = (0..300).map(|_| async { exchange(office.connect().await, &bytes).await });
    let answers = timeout(PATIENCE, join_all(answers)).await.unwrap();
    let good = answers.iter().flatten().filter(|reply| reply.status == 200);
    assert_eq!(good.count(), 300);
    office.close().await;
}

#[tokio::test]
async fn who_stalls_is_cut_and_others_get_the_place() {
    let office = Office::without_worker(Opening::default()).await;
    let halves: [&[u8]; 4] = [
        b"",
        b"GET /v1/hea",
        b"GET /v1/health HTTP/1.1\r\nhost: x\r\n",
        b"POST /v1/clusters/db/hold HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{",
    ];
    let mut stalled = Vec::new();
    for number in 0..STALLED {
        let mut stream = office.connect().await;
        stream
            .write_all(halves[number % halves.len()])
            .await
            .unwrap();
        stalled.push(stream);
    }
    // There is no place: it is answered when they are cut.
    let patient = timeout(PATIENCE, office.get("/v1/health")).await.unwrap();
    assert_eq!(patient.status, 200);
    let ends = stalled.into_iter().map(Reply::try_read);
    let ends = timeout(PATIENCE, join_all(ends)).await.unwrap();
    assert!(
        ends.iter().flatten().all(|reply| reply.status >= 400),
        "{ends:?}"
    );
    office.close().await;
}

#[tokio::test]
async fn nonsense_is_refused_without_harm() {
    let office = Office::without_worker(Opening::default()).await;
    let whole = String::from_utf8(request("GET /v1/health", &[], "")).unwrap();
    let huge = format!(
        "GET /v1/health HTTP/1.1\r\nhost: x\r\njunk: {}\r\n\r\n",
        "x".repeat(200_000)
    );
    let many: String = (0..2_000).map(|n| format!("h{n}: x\r\n")).collect();
    let many = format!("GET /v1/health HTTP/1.1\r\n{many}\r\n");
    let long = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(100_000));
    let mut cases: Vec<Vec<u8>> = [
        &*huge,
        &many,
        &long,
        "GET\r\n\r\n",
        "\r\n\r\n\r\n",
        "GET /v1/health HTTP/9.9\r\n\r\n",
        "GET http://[::1 HTTP/1.1\r\n\r\n",
        "POST /v1/clusters/db/hold HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        "POST /v1/clusters/db/hold HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "POST /v1/clusters/db/hold HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{0}junk\r\n\r\n",
    ]
    .into_iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    // The same numbers each time.
    let mut number = 0x2545_f491_u32;
    for _ in 0..200 {
        let mut bytes = Vec::new();
        for _ in 0..number % 700 + 1 {
            number ^= number << 13;
            number ^= number >> 17;
            number ^= number << 5;
            bytes.push((number >> 8) as u8);
        }
        // A head must end for it to be refused at once.
        bytes.extend(b"\r\n\r\n");
        cases.push(bytes);
    }
    for bytes in cases {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
        let end = exchange(office.connect().await, &bytes);
        let end = timeout(PATIENCE, end)
            .await
            .unwrap_or_else(|_| panic!("it hangs: {shown:?}"));
        assert!(
            end.is_none_or(|reply| (400..=505).contains(&reply.status)),
            "{shown:?}"
        );
    }
    // What comes after a request is nobody's business.
    for junk in ["junk\r\n\r\n", &whole, &whole[..20]] {
        let reply = exchange(office.connect().await, format!("{whole}{junk}").as_bytes()).await;
        if let Some(reply) = reply {
            assert_eq!(reply.status, 200);
            assert_eq!(reply.text, r#"{"status":"ok"}"#, "only one is answered");
        }
    }
    assert_eq!(office.get("/v1/health").await.status, 200);
    office.close().await;
}
