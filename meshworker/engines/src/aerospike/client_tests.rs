use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use aerospike_sim::testing::{PATIENCE, wait_for};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;
use meshworker_core::Place;

const HOME: Place = Place::at(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

/// What a server does with one connection: for each request, the bytes that it
/// answers; then it closes or stalls.
#[derive(Clone)]
struct Script {
    answers: Vec<&'static [u8]>,
    stalls: bool,
}

const NODE: &[u8] = b"\x02\x01\0\0\0\0\0\x07node\tA\n";

/// A server that treats each connection by the same script, and how many
/// connections it has seen.
struct Server {
    port: u16,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    async fn start(script: Script) -> Server {
        let listener = TcpListener::bind(HOME.socket(0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&connections);
        let task = tokio::spawn(async move {
            let mut open = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                seen.fetch_add(1, Ordering::SeqCst);
                open.spawn(serve(stream, script.clone()));
            }
        });
        Server {
            port,
            connections,
            task,
        }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    fn client(&self, deadline: Duration) -> Client {
        client(self.port, deadline)
    }
}

fn client(port: u16, deadline: Duration) -> Client {
    Client::new(&Access {
        port: 3002,
        service_port: port,
        cluster_name: None,
        user: None,
        password: None,
        tls: None,
        deadline,
        options: Default::default(),
    })
}

async fn serve(mut stream: TcpStream, script: Script) {
    let mut request = [0; 13];
    for answer in script.answers {
        if stream.read_exact(&mut request).await.is_err() {
            return;
        }
        assert_eq!(&request, b"\x02\x01\0\0\0\0\0\x05node\n");
        // Two pieces, as the network may cut it.
        let (first, rest) = answer.split_at(answer.len() / 2);
        stream.write_all(first).await.unwrap();
        stream.flush().await.unwrap();
        tokio::task::yield_now().await;
        stream.write_all(rest).await.unwrap();
    }
    if script.stalls {
        std::future::pending::<()>().await;
    }
}

async fn ask(client: &Client) -> Result<Vec<u8>, Unanswered> {
    client.ask(HOME, &["node"], client.deadline()).await
}

/// Long enough never to be met by a test that passes.
const AMPLE: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(100);

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let server = Server::start(Script {
        answers: vec![NODE; 3],
        stalls: true,
    })
    .await;
    let client = server.client(AMPLE);
    for _ in 0..3 {
        assert_eq!(ask(&client).await.unwrap(), b"node\tA\n");
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_connection_that_was_closed_in_between_is_replaced() {
    let server = Server::start(Script {
        answers: vec![NODE],
        stalls: false,
    })
    .await;
    let client = server.client(AMPLE);
    for _ in 0..3 {
        assert_eq!(ask(&client).await.unwrap(), b"node\tA\n");
    }
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn what_is_no_answer_is_named() {
    let garbage = |what: &str| Unanswered::Garbage(what.into());
    for (answers, stalls, expected) in [
        (vec![], true, Unanswered::Timeout),
        (vec![&NODE[..10]], true, Unanswered::Timeout),
        (
            vec![],
            false,
            Unanswered::Unreachable("it closed the connection without an answer".into()),
        ),
        (
            vec![&NODE[..10]],
            false,
            garbage("half an answer: the connection ended after 10 bytes"),
        ),
        (
            vec![b"HTTP/1.1 400 Bad Request\r\n"],
            true,
            garbage("the first bytes [48, 54, 54, 50, 2f, 31, 2e, 31] are no info header"),
        ),
        (
            vec![b"\x02\x01\xff\0\0\0\0\0"],
            true,
            garbage("an answer of 280375465082880 bytes is announced; at most 1048576 are read"),
        ),
    ] {
        // Only those that wait for the deadline wait for a short one.
        let deadline = match expected {
            Unanswered::Timeout => SHORT,
            _ => AMPLE,
        };
        let server = Server::start(Script { answers, stalls }).await;
        let client = server.client(deadline);
        for _ in 0..2 {
            assert_eq!(ask(&client).await, Err(expected.clone()));
        }
        // The second may be given up before the server has taken it.
        let connections = async || server.connections();
        wait_for("no broken connection kept", PATIENCE, connections, |n| {
            *n == 2
        })
        .await
        .unwrap();
    }
}

#[tokio::test]
async fn nobody_listening_is_unreachable() {
    let server = Server::start(Script {
        answers: vec![],
        stalls: false,
    })
    .await;
    let client = server.client(AMPLE);
    drop(server);
    let mut answer = ask(&client).await;
    while !matches!(&answer, Err(Unanswered::Unreachable(why)) if why.contains("refused")) {
        // The listener closes a moment after its task was told to end.
        assert!(
            matches!(answer, Err(Unanswered::Unreachable(_))),
            "{answer:?}"
        );
        answer = ask(&client).await;
    }
}

#[tokio::test]
async fn a_cancelled_request_leaves_no_answer_to_the_next() {
    let server = Server::start(Script {
        answers: vec![NODE, NODE],
        stalls: true,
    })
    .await;
    let client = server.client(AMPLE);
    ask(&client).await.unwrap();
    // Polled once: the request is sent, the answer not read.
    {
        let mut cancelled = std::pin::pin!(ask(&client));
        let once = |context: &mut Context<'_>| Poll::Ready(cancelled.as_mut().poll(context));
        assert!(std::future::poll_fn(once).await.is_pending());
    }
    assert_eq!(ask(&client).await.unwrap(), b"node\tA\n");
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn kept_connections_are_bounded_and_closed_in_the_end() {
    let client = client(1, AMPLE);
    let address = |n: usize| Place::from(u32::try_from(n).unwrap().to_be_bytes());
    let connection = || Box::new(tokio::io::duplex(1).0) as Connection;
    tokio::time::pause();
    for n in 0..2 * MOST_KEPT {
        client.keep(address(n), connection());
    }
    assert_eq!(client.kept.lock().unwrap().len(), MOST_KEPT);
    tokio::time::advance(KEPT_FOR).await;
    client.keep(address(7), connection());
    assert_eq!(client.kept.lock().unwrap().len(), 1);
}
