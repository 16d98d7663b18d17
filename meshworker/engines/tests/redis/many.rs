//! More members than a process may open files.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::iter;
use meshworker_conformance::World;
use meshworker_engines::Engine;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

use crate::servers::Servers;
use meshworker_core::Place;

/// As many as Redis' makers recommend at the most, and some more.
const NODES: usize = 1100;

/// Far fewer than 1024, which is the usual limit of open files.
const MOST: usize = 256;

/// Answers as a node that is alone, until the connection closes.
async fn serve(mut stream: TcpStream) {
    let bulk = |text: &str| format!("${}\r\n{text}\r\n", text.len());
    let nodes = format!("{:040x} :6379@16379 myself,master - 0 0 0 connected\n", 7);
    let answer = [
        "-NOPERM no scripts\r\n".into(),
        bulk(&nodes),
        bulk("cluster_state:fail\r\n"),
        bulk("redis_version:7.0.15\r\nrun_id:7\r\n"),
        ":0\r\n".into(),
    ];
    let mut asked = Vec::new();
    while stream.read_buf(&mut asked).await.is_ok_and(|read| read > 0) {
        if asked.ends_with(b"DBSIZE\r\n") {
            asked.clear();
            if stream.write_all(answer.concat().as_bytes()).await.is_err() {
                return;
            }
        }
    }
}

/// Each node had a connection of its own for good, and with the thousandth the
/// process could open no more: everybody was unreachable.
#[tokio::test]
async fn a_thousand_members_took_a_thousand_open_files() {
    let Some(mut servers) = Servers::plain() else {
        return;
    };
    // One listener for all addresses of the loopback.
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await.unwrap();
    servers.access.service_port = listener.local_addr().unwrap().port();
    let open = Arc::new(AtomicUsize::new(0));
    let count = open.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let count = count.clone();
            tokio::spawn(async move {
                serve(stream).await;
                count.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    let engine = servers.engine();
    for round in 0..2 {
        let nodes = (0..NODES).map(|n| Place::from([127, 9, (n / 250) as u8, (n % 250) as u8 + 1]));
        let engine = &engine;
        let asked = nodes.map(|node| async move { (node, engine.observe(node).await) });
        let answers: Vec<_> = iter(asked).buffer_unordered(32).collect().await;
        assert_eq!(answers.len(), NODES);
        for (node, answer) in answers {
            assert!(answer.is_ok(), "{node}, round {round}: {answer:?}");
        }
        // The last ones close a moment later.
        let begin = Instant::now();
        while open.load(Ordering::SeqCst) > MOST {
            let left = open.load(Ordering::SeqCst);
            assert!(begin.elapsed() < servers.patience(), "{left} are open");
            sleep(Duration::from_millis(10)).await;
        }
    }
}
