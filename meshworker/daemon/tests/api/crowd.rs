//! One client that takes all it can, and an honest one beside it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use meshworker::board::Fact;
use meshworker::status::EventKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::rustls::pki_types::ServerName;

use super::encrypted::{connector, made};
use super::office::{Office, Opening};
use super::reply::{Reply, connect_from, exchange, request};
use super::support::World;

const HONEST: [u8; 4] = [127, 0, 0, 1];
const GREEDY: [u8; 4] = [127, 0, 0, 9];

/// An honest answer takes milliseconds. Behind all these connections it took a
/// quarter of a minute, and more.
const SOON: Duration = Duration::from_secs(8);

/// So many connections that send this and no more, each opened again when it is
/// cut, until this is dropped.
fn crowd(count: usize, from: IpAddr, to: SocketAddr, sent: &'static [u8]) -> JoinSet<()> {
    let mut crowd = JoinSet::new();
    for _ in 0..count {
        crowd.spawn(async move {
            loop {
                if let Ok(mut stream) = connect_from(from, to).await {
                    let _ = stream.write_all(sent).await;
                    let _ = stream.read(&mut [0; 64]).await;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
    }
    crowd
}

#[tokio::test]
async fn idle_connections_of_one_client_locked_everybody_out() {
    let office = Office::without_worker(Opening::default()).await;
    let ask = request("GET /v1/health", &[], "");
    for sent in [&b""[..], b"GET /v1/hea"] {
        let _crowd = crowd(700, GREEDY.into(), office.address, sent);
        for _ in 0..10 {
            let stream = connect_from(HONEST.into(), office.address).await.unwrap();
            let reply = timeout(SOON, exchange(stream, &ask)).await;
            let reply = reply.expect("the honest client is locked out");
            assert_eq!(reply.unwrap().status, 200);
        }
    }
    office.close().await;
}

#[tokio::test]
async fn half_handshakes_of_one_client_locked_everybody_out() {
    let dir = tempfile::tempdir().unwrap();
    let office = Office::without_worker(Opening {
        tls: Some(made(dir.path())),
        ..Opening::default()
    })
    .await;
    let connector = connector(dir.path());
    let _crowd = crowd(700, GREEDY.into(), office.address, b"\x16\x03\x01");
    for _ in 0..10 {
        let answered = async {
            let stream = connect_from(HONEST.into(), office.address).await.unwrap();
            let name = ServerName::try_from("worker.test").unwrap();
            let mut stream = connector.connect(name, stream).await.unwrap();
            let ask = request("GET /v1/health", &[], "");
            stream.write_all(&ask).await.unwrap();
            Reply::read(stream).await.status
        };
        let status = timeout(SOON, answered).await;
        assert_eq!(status.expect("the honest client is locked out"), 200);
    }
    office.close().await;
}

fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = pages.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

/// A connection of one of many clients, which takes what comes in small bites.
async fn small(number: u32, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    let [.., low] = (number / 8).to_be_bytes();
    socket.bind(([127, 0, 3, low + 1], 0).into()).unwrap();
    socket.set_recv_buffer_size(2 * 1024).unwrap();
    socket.connect(to).await.unwrap()
}

/// Whatever is asked for, with a history of the longest texts, by readers that read
/// nothing: they took a quarter of a gigabyte, and the stack gave the worker 64 MiB.
#[tokio::test]
async fn readers_that_do_not_read_filled_the_memory() {
    let world = World::new().await;
    let office = Office::without_worker(Opening::default()).await;
    let open = office.board.open(&world.cluster(&[("name", "db")]));
    for number in 0..2_000 {
        // As long as any is kept.
        let text = format!("{number} {}", "long ".repeat(400));
        open.sheet().record(Fact {
            evidence: vec!["long ".repeat(80); 8],
            ..Fact::new(EventKind::Member, text).about("10.0.0.1")
        });
    }
    let before = resident();
    let mut most = 0;
    for path in [
        "/v1/events?limit=1000",
        "/v1/events/stream?after=0",
        "/v1/clusters/db/config",
        "/v1/openapi.json",
        "/dashboard/members.js",
        "/metrics",
        "/v1/clusters",
    ] {
        let ask = request(&format!("GET {path}"), &[], "");
        let mut readers = Vec::new();
        for number in 0..256 {
            let mut stream = small(number, office.address).await;
            stream.write_all(&ask).await.unwrap();
            readers.push(stream);
        }
        // Whoever reads is answered meanwhile.
        for _ in 0..3 {
            let stream = connect_from(HONEST.into(), office.address).await.unwrap();
            let ask = request("GET /v1/health", &[], "");
            let reply = timeout(SOON, exchange(stream, &ask)).await;
            assert_eq!(reply.expect("nobody is answered").unwrap().status, 200);
            let grown = resident().saturating_sub(before) >> 20;
            most = most.max(grown);
            // What a calm worker takes, 12 MiB, and the history, 4, come to this.
            assert!(grown < 44, "{path}: {grown} MiB more");
        }
    }
    println!("at most {most} MiB more");
    office.close().await;
}
