//! Many clients that each take all that they can get of the members' port, with and
//! without the token, and honest members beside them.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use meshworker::announce::{PATH, Phase};
use meshworker::proof::Call;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::TcpSocket;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::post::{Post, member, read};
use crate::support::until;

/// So many clients, so many connections of each: together more than there are places.
const CLIENTS: u8 = 16;
const OF_ONE: usize = 17;

/// Whoever has the token has it for a few members: so many addresses.
const WITH_TOKEN: u8 = 5;
const PROVED_OF_ONE: usize = 60;

/// An honest announcement takes milliseconds.
const SOON: Duration = Duration::from_secs(30);

/// A connection is cut after 5 s, and one that waits for its place after 30 s at the
/// latest.
const BOUND: Duration = Duration::from_secs(60);

/// What a greedy client does: whether it proves that it knows the token, what it sends
/// then, what it sends again and again, and the pause between.
type Way = (&'static str, bool, String, &'static str, u64);

const LONG: &str = "x: 0123456789012345678901234567890123456789012345678901234567890123456789\r\n";
const CHUNK: &str = "20\r\n01234567890123456789012345678901\r\n";

fn ways() -> Vec<Way> {
    let post = |header: &str| format!("POST {PATH} HTTP/1.1\r\nhost: x\r\n{header}\r\n\r\n");
    let whole = json!(member(9, [127, 0, 7, 1].into(), Phase::Leaving, 1)).to_string();
    let length = format!("content-length: {}", whole.len());
    vec![
        ("says nothing", false, String::new(), "", 250),
        (
            "half a handshake",
            false,
            "\u{16}\u{3}\u{1}".into(),
            "",
            250,
        ),
        (
            "a handshake in drops",
            false,
            "\u{16}\u{3}\u{1}\u{2}".into(),
            "\0",
            250,
        ),
        (
            "a handshake without end",
            false,
            "\u{16}\u{3}\u{1}\u{3f}".into(),
            LONG,
            1,
        ),
        ("half a plain head", false, "POST /v1".into(), "", 250),
        ("plain HTTP", false, post("content-length: 0"), "", 250),
        (
            "proves itself and says nothing",
            true,
            String::new(),
            "",
            250,
        ),
        (
            "a head in drops",
            true,
            format!("POST {PATH} HTTP/1.1\r\nx: "),
            "y",
            250,
        ),
        (
            "a head without end",
            true,
            format!("POST {PATH} HTTP/1.1\r\n"),
            LONG,
            1,
        ),
        (
            "a body in drops",
            true,
            post("content-length: 9999"),
            "{",
            250,
        ),
        (
            "a body larger than said",
            true,
            format!("{}{{}}", post("content-length: 2")),
            CHUNK,
            1,
        ),
        (
            "chunks without end",
            true,
            post("transfer-encoding: chunked"),
            CHUNK,
            1,
        ),
        (
            "one announcement after another",
            true,
            format!("{}{whole}", post(&length)).repeat(50),
            "",
            1,
        ),
    ]
}

#[derive(Default)]
struct Fates {
    begun: AtomicUsize,
    /// The longest life of one that has ended, in milliseconds.
    longest: AtomicUsize,
}

/// Sends this, and then that again and again, until the other side has had enough.
async fn drip(stream: impl AsyncRead + AsyncWrite, first: &str, again: &str, pause: u64) {
    let (mut read, mut write) = split(stream);
    let drip = async {
        write.write_all(first.as_bytes()).await?;
        loop {
            write.write_all(again.as_bytes()).await?;
            write.flush().await?;
            sleep(Duration::from_millis(pause)).await;
        }
    };
    let end = async { while let Ok(1..) = read.read(&mut [0; 4096]).await {} };
    tokio::select! {
        result = drip => { let _: std::io::Result<()> = result; }
        () = end => {}
    }
}

/// All clients at once, until this is dropped.
fn crowd(way: &Way, post: &Post, fates: &Arc<Fates>) -> JoinSet<()> {
    let mut crowd = JoinSet::new();
    let to = post.address;
    let (_, proves, ..) = *way;
    let (clients, of_one) = match proves {
        true => (usize::from(WITH_TOKEN), PROVED_OF_ONE),
        false => (usize::from(CLIENTS), OF_ONE),
    };
    for number in 0..of_one * clients {
        let client = u8::try_from(number % clients).unwrap();
        let from = IpAddr::from([127, 0, 7, 1 + client]);
        let call = proves.then(|| post.call(from));
        let (fates, way) = (Arc::clone(fates), way.clone());
        crowd.spawn(async move {
            loop {
                let began = Instant::now();
                fates.begun.fetch_add(1, Ordering::Relaxed);
                let _ = connection(&way, call.as_ref(), from, to).await;
                let lived = began.elapsed().as_millis() as usize;
                fates.longest.fetch_max(lived, Ordering::Relaxed);
                sleep(Duration::from_secs(1)).await;
            }
        });
    }
    crowd
}

async fn connection(
    (_, _, first, again, pause): &Way,
    call: Option<&Call>,
    from: IpAddr,
    to: SocketAddr,
) -> std::io::Result<()> {
    match call {
        Some(call) => {
            if let Ok(stream) = call.connect(to).await {
                drip(stream, first, again, *pause).await;
            }
        }
        None => {
            let socket = TcpSocket::new_v4()?;
            socket.bind((from, 0).into())?;
            drip(socket.connect(to).await?, first, again, *pause).await;
        }
    }
    Ok(())
}

/// Announces a member, as supervisors do: again, where a machine that is busy takes a
/// second for the proof.
async fn announced(post: &Post, from: IpAddr, said: &str) -> (u16, serde_json::Value) {
    let length = said.len();
    let request =
        format!("POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{said}");
    let call = post.call(from);
    loop {
        let Ok(mut stream) = call.connect(post.address).await else {
            continue;
        };
        let mut answer = Vec::new();
        if stream.write_all(request.as_bytes()).await.is_ok()
            && stream.read_to_end(&mut answer).await.is_ok()
            && !answer.is_empty()
        {
            return read(&*answer).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_take_all_they_can_keep_no_member_waiting() {
    let some = ["a handshake in drops", "a body in drops"];
    bear(|way| some.contains(&way.0)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the long tier: cargo xtask test --all"]
async fn clients_that_take_all_they_can_in_every_way_keep_no_member_waiting() {
    bear(|_| true).await;
}

async fn bear(which: impl Fn(&Way) -> bool) {
    let post = Post::open().await;
    let open = post.registry.open("db");
    for way in ways().into_iter().filter(which) {
        let fates = Arc::<Fates>::default();
        let crowd = crowd(&way, &post, &fates);
        let begun = async || fates.begun.load(Ordering::Relaxed);
        until("a crowd", begun, |begun| *begun >= 270).await;
        let mut longest = Duration::ZERO;
        for slot in 1..=5_u8 {
            let own = IpAddr::from([127, 0, 0, 100 + slot]);
            let said = json!(member(u64::from(slot), own, Phase::Present, 1)).to_string();
            let began = Instant::now();
            let answer = timeout(SOON, announced(&post, own, &said)).await;
            let (status, answer) = answer.unwrap_or_else(|_| panic!("{}: locked out", way.0));
            assert_eq!(status, 200, "{}: {answer}", way.0);
            longest = longest.max(began.elapsed());
        }
        drop(crowd);
        let lived = Duration::from_millis(fates.longest.load(Ordering::Relaxed) as u64);
        let begun = begun().await;
        println!(
            "{}: an honest member is answered within {longest:?}; of {begun} connections the longest lived {lived:?}",
            way.0
        );
        assert!(lived < BOUND, "{}: {lived:?}", way.0);
        let known = open.desk().report(tokio::time::Instant::now()).0;
        assert!(known.sightings.len() <= 5 + usize::from(WITH_TOKEN));
    }
    post.close().await;
}
