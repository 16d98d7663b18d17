//! The real program, as browsers and their pages see it.

use std::net::SocketAddr;

use tokio::net::TcpStream;

use super::load::process::Process;
use super::office::TOKEN;
use super::reply::{Reply, exchange};
use super::support::World;

/// Answers of every kind: documents, pages, texts, streams, and what is not there.
const PATHS: [&str; 12] = [
    "/",
    "/dashboard/main.js",
    "/v1/health",
    "/v1/ready",
    "/v1/clusters",
    "/v1/clusters/db/members",
    "/v1/clusters/nowhere",
    "/v1/events",
    "/v1/events/stream",
    "/v1/openapi.json",
    "/metrics",
    "/v1/nowhere",
];

fn token() -> tempfile::NamedTempFile {
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), TOKEN).unwrap();
    token
}

async fn ask(to: SocketAddr, line: &str, headers: &str) -> Reply {
    let text = format!("{line} HTTP/1.1\r\n{headers}\r\n");
    let stream = TcpStream::connect(to).await.unwrap();
    exchange(stream, text.as_bytes()).await.unwrap()
}

/// A page that gives its own name the worker's address read members, configuration and
/// events.
#[tokio::test]
async fn under_a_name_that_is_not_the_workers_nothing_is_answered() {
    let (world, token) = (World::new().await, token());
    let path = token.path().to_str().unwrap();
    let more = ["--api-names", "ops.example.com, Mesh.example."];
    let mut process = Process::start_with(&world, path, &more);
    let at = process.address().await;
    process.pass().await;
    let port = at.port();
    for host in [
        "evil.example",
        "evil.example:4748",
        "127.0.0.1.evil.example",
        "127.0.0.1:80@evil.example",
        "localhost.evil.example",
        "[::1].evil.example",
        "ops.example.com.evil.example",
        "x.ops.example.com",
        "tasks.evil.example",
        "",
        "\u{435}vil",
    ] {
        for path in PATHS {
            let reply = ask(at, &format!("GET {path}"), &format!("host: {host}\r\n")).await;
            let error = reply.refused(421);
            assert!(
                error.contains("ops.example.com, mesh.example"),
                "{host} {path}: {error}"
            );
            assert!(!reply.text.contains("\"db\""), "{reply:?}");
        }
        // With the right token neither: what a page can have a browser send, it sends.
        let headers = format!(
            "host: {host}\r\nauthorization: Bearer {TOKEN}\r\ncontent-type: application/json\r\ncontent-length: 2\r\n"
        );
        let text = format!("POST /v1/clusters/db/hold HTTP/1.1\r\n{headers}\r\n{{}}");
        let stream = TcpStream::connect(at).await.unwrap();
        exchange(stream, text.as_bytes())
            .await
            .unwrap()
            .refused(421);
    }
    // Two names are as many as one too many, in whichever order, and so is one in the
    // request's first line.
    for (line, headers) in [
        (
            "GET /v1/clusters",
            "host: localhost\r\nhost: evil.example\r\n",
        ),
        (
            "GET /v1/clusters",
            "host: evil.example\r\nhost: localhost\r\n",
        ),
        ("GET http://evil.example/v1/clusters", "host: localhost\r\n"),
        ("GET http://localhost/v1/clusters", "host: evil.example\r\n"),
    ] {
        let reply = ask(at, line, headers).await;
        assert!([400, 421].contains(&reply.status), "{line}: {reply:?}");
    }
    for host in [
        format!("127.0.0.1:{port}"),
        "localhost".into(),
        "LOCALHOST.:80".into(),
        "[::1]:4748".into(),
        "[::ffff:127.0.0.1]".into(),
        "ops.example.com".into(),
        "OPS.Example.COM.:8443".into(),
        "mesh.example".into(),
        "node3".into(),
        "tasks.cache_meshworker:4748".into(),
    ] {
        let reply = ask(at, "GET /v1/clusters", &format!("host: {host}\r\n")).await;
        assert_eq!(reply.status, 200, "{host}: {reply:?}");
    }
}

/// Answers could be kept by a browser, and taken for another kind of content.
#[tokio::test]
async fn every_answer_is_what_it_says_and_of_this_moment() {
    let (world, token) = (World::new().await, token());
    let mut process = Process::start(&world, token.path().to_str().unwrap());
    let at = process.address().await;
    process.pass().await;
    let site = "host: x\r\nsec-fetch-site: cross-site\r\n";
    let mut replies = Vec::new();
    for path in PATHS {
        for line in ["GET", "HEAD", "DELETE", "OPTIONS"].map(|method| format!("{method} {path}")) {
            // What follows a HEAD of a stream is nothing, and then nothing again.
            if line == "HEAD /v1/events/stream" {
                continue;
            }
            for headers in ["host: x\r\n", "host: evil.example\r\n", site] {
                replies.push((line.clone(), ask(at, &line, headers).await));
            }
        }
    }
    let json = "host: x\r\ncontent-type: application/json\r\n";
    for length in [2, 100_000] {
        let headers = format!("{json}content-length: {length}\r\n");
        let text = format!(
            "POST /v1/clusters/db/hold HTTP/1.1\r\n{headers}\r\n{}",
            " ".repeat(length)
        );
        let stream = TcpStream::connect(at).await.unwrap();
        replies.push((headers, exchange(stream, text.as_bytes()).await.unwrap()));
    }
    for (asked, reply) in replies {
        let shown = format!("{asked}: {reply:?}");
        assert_eq!(
            reply.header("x-content-type-options"),
            Some("nosniff"),
            "{shown}"
        );
        // The page's own files are kept, and asked for again each time.
        let is_page = reply.header("content-security-policy").is_some();
        let kept = if is_page { "no-cache" } else { "no-store" };
        assert_eq!(reply.header("cache-control"), Some(kept), "{shown}");
        assert!(!reply.head.contains("access-control-"), "{shown}");
    }
}

/// The certificate had ended, and nobody was told.
#[tokio::test]
async fn a_certificate_that_has_ended_is_told_at_the_start() {
    let (world, token, dir) = (World::new().await, token(), tempfile::tempdir().unwrap());
    let key = rcgen::KeyPair::generate().unwrap();
    let mut asked = rcgen::CertificateParams::new(vec!["worker.test".to_owned()]).unwrap();
    asked.not_before = rcgen::date_time_ymd(2020, 1, 1);
    asked.not_after = rcgen::date_time_ymd(2021, 1, 1);
    let [cert_file, key_file] = ["cert.pem", "key.pem"].map(|name| dir.path().join(name));
    std::fs::write(&cert_file, asked.self_signed(&key).unwrap().pem()).unwrap();
    std::fs::write(&key_file, key.serialize_pem()).unwrap();
    let more = [
        "--api-cert-file",
        cert_file.to_str().unwrap(),
        "--api-key-file",
        key_file.to_str().unwrap(),
    ];
    let mut process = Process::start_with(&world, token.path().to_str().unwrap(), &more);
    let warning = process.warns("api-cert-file: ").await;
    assert!(warning.contains("cert.pem has expired"), "{warning}");
}
