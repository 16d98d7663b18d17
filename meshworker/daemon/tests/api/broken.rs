//! Answers that break, which is a bug, and harms nobody else.

use axum::Router;
use axum::routing::get;
use meshworker::http::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

/// The status line and the body of what is answered.
async fn asked(address: std::net::SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// The connection ended without a word, and only the log of the process told why.
#[tokio::test]
async fn an_answer_that_broke_was_none() {
    async fn broken() -> &'static str {
        panic!("on purpose")
    }
    let routes = Router::new().route("/broken", get(broken));
    let routes = routes.route("/whole", get(async || "whole"));
    let server = Server::bind(([127, 0, 0, 1], 0).into(), routes, "tests");
    let server = server.await.unwrap();
    let address = server.address();
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(server.run(stopped));
    for _ in 0..3 {
        let answer = asked(address, "/broken").await;
        assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
        assert!(answer.contains("which is a bug of this worker"), "{answer}");
        assert!(!answer.contains("on purpose"), "{answer}");
        let answer = asked(address, "/whole").await;
        assert!(
            answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("whole"),
            "{answer}"
        );
    }
    stop.send_replace(true);
    running.await.unwrap();
}
