//! Many clients that each take all that they can get, in every way there is, and honest
//! ones beside them.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use meshworker::board::Fact;
use meshworker::status::EventKind;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::office::{Office, Opening, TOKEN};
use super::reader::Reader;
use super::reply::{connect_from, exchange, request};
use super::support::{World, until};

const HONEST: [u8; 4] = [127, 0, 0, 1];

/// So many clients, so many connections of each: together more than there are places.
const CLIENTS: u8 = 16;
const OF_ONE: usize = 17;

/// An honest answer takes milliseconds.
const SOON: Duration = Duration::from_secs(30);

/// A connection that is no stream is cut after 5 s, and one that waits for its place
/// after 30 s at the latest.
const BOUND: Duration = Duration::from_secs(60);

/// What a greedy client does with each of its connections.
#[derive(Clone, Copy)]
enum Way {
    /// It sends this, and waits.
    Waits(&'static str),
    /// It sends the first, and then the second again and again, with this pause.
    Drips(&'static str, &'static str, Duration),
    /// It sends this and says that nothing follows.
    Closes(&'static str),
    /// It asks for this and takes nothing.
    ReadsNothing(&'static str),
}

const LONG: &str = "x: 0123456789012345678901234567890123456789012345678901234567890123456789\r\n";
const CHUNK: &str = "20\r\n01234567890123456789012345678901\r\n";
const AT_ONCE: Duration = Duration::ZERO;
const SLOWLY: Duration = Duration::from_millis(250);

const WAYS: [(&str, Way); 13] = [
    ("says nothing", Way::Waits("")),
    ("half a handshake", Way::Waits("\u{16}\u{3}\u{1}")),
    ("half a head", Way::Waits("GET /v1/hea")),
    (
        "a head in drops",
        Way::Drips("GET / HTTP/1.1\r\nhost: x\r\nx: ", "y", SLOWLY),
    ),
    (
        "a head without end",
        Way::Drips("GET / HTTP/1.1\r\n", LONG, AT_ONCE),
    ),
    (
        "a body in drops",
        Way::Drips(
            "POST /v1/clusters/db/hold HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n",
            "{",
            SLOWLY,
        ),
    ),
    (
        "half a body",
        Way::Waits("POST /v1/clusters/db/hold HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n{"),
    ),
    (
        "a body larger than said",
        Way::Drips(
            "POST /v1/clusters/db/hold HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}",
            CHUNK,
            AT_ONCE,
        ),
    ),
    (
        "chunks without end",
        Way::Drips(
            "POST /v1/clusters/db/hold HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n",
            CHUNK,
            AT_ONCE,
        ),
    ),
    (
        "one request after another",
        Way::Drips("", "GET /v1/clusters HTTP/1.1\r\nhost: x\r\n\r\n", AT_ONCE),
    ),
    (
        "closes its half",
        Way::Closes("GET /v1/clusters HTTP/1.1\r\nhost: x\r\n\r\n"),
    ),
    (
        "takes no answer",
        Way::ReadsNothing("GET /v1/events?limit=1000 HTTP/1.1\r\nhost: x\r\n\r\n"),
    ),
    (
        "takes no stream",
        Way::ReadsNothing("GET /v1/events/stream?after=0 HTTP/1.1\r\nhost: x\r\n\r\n"),
    ),
];

/// What has become of the connections so far.
#[derive(Default)]
struct Fates {
    begun: AtomicUsize,
    /// The longest life of one that has ended, in milliseconds.
    longest: AtomicUsize,
}

impl Way {
    /// One connection, to its end: the other side's, or as far as it is bounded.
    async fn connection(self, from: IpAddr, to: SocketAddr, fates: &Fates) -> std::io::Result<()> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((from, 0).into())?;
        if let Way::ReadsNothing(_) = self {
            socket.set_recv_buffer_size(2 * 1024)?;
        }
        let mut stream = socket.connect(to).await?;
        fates.begun.fetch_add(1, Ordering::Relaxed);
        match self {
            Way::Waits(sent) => {
                stream.write_all(sent.as_bytes()).await?;
                end(&mut stream).await;
            }
            Way::Drips(first, again, pause) => {
                let (mut read, mut write) = stream.split();
                let drip = async {
                    write.write_all(first.as_bytes()).await?;
                    loop {
                        write.write_all(again.as_bytes()).await?;
                        sleep(pause.max(Duration::from_millis(1))).await;
                    }
                };
                tokio::select! {
                    result = drip => return result,
                    () = end(&mut read) => {}
                }
            }
            Way::Closes(sent) => {
                stream.write_all(sent.as_bytes()).await?;
                stream.shutdown().await?;
                end(&mut stream).await;
            }
            Way::ReadsNothing(sent) => {
                stream.write_all(sent.as_bytes()).await?;
                // Its end shows when it is written to, or never: as long as others wait.
                while stream.write_all(b" ").await.is_ok() {
                    sleep(SLOWLY).await;
                }
            }
        }
        Ok(())
    }

    /// All clients at once, until this is dropped.
    fn crowd(self, to: SocketAddr, fates: &Arc<Fates>) -> JoinSet<()> {
        let mut crowd = JoinSet::new();
        for number in 0..OF_ONE * usize::from(CLIENTS) {
            let fates = Arc::clone(fates);
            let client = u8::try_from(number % usize::from(CLIENTS)).unwrap();
            crowd.spawn(async move {
                loop {
                    let began = Instant::now();
                    let from = [127, 0, 6, 1 + client].into();
                    let _ = self.connection(from, to, &fates).await;
                    let lived = began.elapsed().as_millis() as usize;
                    fates.longest.fetch_max(lived, Ordering::Relaxed);
                    sleep(Duration::from_secs(1)).await;
                }
            });
        }
        crowd
    }
}

async fn end(stream: &mut (impl AsyncReadExt + Unpin)) {
    while let Ok(1..) = stream.read(&mut [0; 4096]).await {}
}

/// How long this takes, if it is soon.
async fn soon<T>(what: &str, done: impl Future<Output = T>) -> (T, Duration) {
    let began = Instant::now();
    let done = timeout(SOON, done).await;
    (
        done.unwrap_or_else(|_| panic!("{what}: the honest are not served")),
        began.elapsed(),
    )
}

/// Those that held most of the old server for longest.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_take_all_they_can_keep_no_operator_waiting() {
    let ways = WAYS.into_iter();
    bear(ways.filter(|(what, _)| ["a head in drops", "takes no stream"].contains(what))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the long tier: cargo xtask test --all"]
async fn clients_that_take_all_they_can_in_every_way_keep_no_operator_waiting() {
    bear(WAYS).await;
}

async fn bear(ways: impl IntoIterator<Item = (&'static str, Way)>) {
    let world = World::new().await;
    let office = Office::without_worker(Opening::default()).await;
    let open = office.board.open(&world.cluster(&[("name", "db")]));
    for number in 0..1_000 {
        let fact = Fact::new(
            EventKind::Member,
            format!("{number} {}", "long ".repeat(200)),
        );
        open.sheet().record(fact.about("10.0.0.1"));
    }
    let bearer = format!("Bearer {TOKEN}");
    let headers = [
        ("authorization", &*bearer),
        ("content-type", "application/json"),
    ];
    let order = request("POST /v1/clusters/db/hold", &headers, json!({}).to_string());
    let look = request("GET /v1/clusters", &[], "");
    for (what, way) in ways {
        let fates = Arc::<Fates>::default();
        let crowd = way.crowd(office.address, &fates);
        let begun = async || fates.begun.load(Ordering::Relaxed);
        until("a crowd", begun, |begun| *begun >= 270).await;
        let mut longest = Duration::ZERO;
        for _ in 0..3 {
            for asked in [&look, &order] {
                let answered = async {
                    let stream: TcpStream =
                        connect_from(HONEST.into(), office.address).await.unwrap();
                    exchange(stream, asked).await
                };
                let (reply, took) = soon(what, answered).await;
                let status = reply.map(|reply| reply.status);
                assert_eq!(status, Some(200), "{what}: the honest are cut");
                longest = longest.max(took);
            }
            let stream = Reader::start_from(HONEST.into(), &office, "", None);
            longest = longest.max(soon(what, stream).await.1);
        }
        drop(crowd);
        let lived = Duration::from_millis(fates.longest.load(Ordering::Relaxed) as u64);
        println!(
            "{what}: an honest request takes {longest:?} at most; of {} connections the longest lived {lived:?}",
            begun().await
        );
        assert!(lived < BOUND, "{what}: {lived:?}");
    }
    office.close().await;
}
