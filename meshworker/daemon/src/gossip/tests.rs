//! One connection, in virtual time.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use meshworker_gossip::{Change, End, RouterId, Word};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::connection::Connection;
use super::hub::Hub;
use super::share::Post;

const FROM: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

/// Member "A" of "chat" at 127.0.0.1:7901, and the question who is in "chat".
const REGISTER: &str = "0000002c00010004636861740294372af1c84a76ca7e7d671968c341250101000141000010047f0000011edd00000000";
const WHO: &str = "00000012020100046368617401010000000100000000";
const CLOSES: [u8; 4] = [0xff, 0xff, 0xff, 0xfb];

fn hex(text: &str) -> Vec<u8> {
    let pairs = text
        .as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).unwrap());
    pairs
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}

struct Line {
    stream: DuplexStream,
    ended: JoinHandle<(End, String)>,
}

fn open(hub: &Arc<Hub>, expiry: Option<Duration>) -> Line {
    let (stream, ours) = duplex(1 << 20);
    let (id, outbox) = hub.enter(FROM).unwrap();
    let connection = Connection {
        id,
        from: FROM,
        outbox,
        hub: Arc::clone(hub),
        long: Arc::new(Semaphore::new(1)),
        expiry,
    };
    Line {
        stream,
        ended: tokio::spawn(connection.run(ours)),
    }
}

impl Line {
    async fn say(&mut self, text: &str) {
        self.stream.write_all(&hex(text)).await.unwrap();
    }

    /// The next answer, with its length.
    async fn answer(&mut self) -> Vec<u8> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length).await.unwrap();
        let mut body = vec![0; u32::from_be_bytes(length) as usize];
        self.stream.read_exact(&mut body).await.unwrap();
        [&length[..], &body].concat()
    }

    /// All that is said until the end.
    async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).await.unwrap();
        rest
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_says_nothing_or_half_of_something_kept_its_place() {
    let hub = Hub::new(64);
    let began = Instant::now();
    for said in ["", "0000", &REGISTER[..40], "01", "fffffffb"] {
        let mut line = open(&hub, None);
        line.say(said).await;
        let (how, why) = line.ended.await.unwrap();
        assert_eq!(how, End::Ours, "{said}: {why}");
    }
    assert!(began.elapsed() < Duration::from_secs(60));
    // Whoever has said all of it may rest, and not begin what it does not end.
    let mut line = open(&hub, None);
    line.say(REGISTER).await;
    line.say(WHO).await;
    line.answer().await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    line.say(WHO).await;
    line.answer().await;
    line.say("00").await;
    assert_eq!(line.ended.await.unwrap().0, End::Ours);
}

#[tokio::test(start_paused = true)]
async fn a_long_frame_that_never_ends_kept_others_waiting() {
    let hub = Hub::new(64);
    let mut line = open(&hub, None);
    line.say(REGISTER).await;
    line.say("00030000").await;
    let drip = async {
        for _ in 0..1000 {
            if line.stream.write_all(&[0; 256]).await.is_err() {
                return true;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        false
    };
    assert!(
        drip.await,
        "each byte was a reason to wait for the next one"
    );
}

#[tokio::test(start_paused = true)]
async fn a_member_that_says_nothing_for_too_long_is_told_farewell() {
    let hub = Hub::new(64);
    let mut line = open(&hub, Some(Duration::from_secs(60)));
    line.say(REGISTER).await;
    let began = Instant::now();
    assert_eq!(line.rest().await, CLOSES);
    assert_eq!(began.elapsed().as_secs(), 60);
    assert_eq!(line.ended.await.unwrap().0, End::Ours);
}

#[tokio::test(start_paused = true)]
async fn members_are_told_that_their_router_ends() {
    let hub = Hub::new(64);
    let mut line = open(&hub, None);
    line.say(REGISTER).await;
    line.say(WHO).await;
    assert_eq!(line.answer().await.len(), 54);
    hub.close_all("this router ends");
    assert_eq!(line.rest().await, CLOSES);
    assert_eq!(line.ended.await.unwrap().0, End::Ours);
}

#[tokio::test(start_paused = true)]
async fn whoever_takes_no_answer_is_asked_nothing_more_and_cut() {
    let hub = Hub::new(64);
    let mut line = open(&hub, None);
    line.say(REGISTER).await;
    let asks = async {
        for _ in 0..1_000_000 {
            if line.stream.write_all(&hex(WHO)).await.is_err() {
                return true;
            }
        }
        false
    };
    assert!(asks.await, "what it asked and did not read piled up");
    assert_eq!(line.ended.await.unwrap().0, End::Ours);
}

fn is_registered(word: Option<bytes::Bytes>) -> bool {
    let word = word.map(|bytes| Word::of(&bytes));
    matches!(word, Some(Ok(Word::Change(Change::Registered(..)))))
}

/// A router that is stopped lost what one that is killed keeps: others forgot its members at
/// once, and whoever came meanwhile found nobody.
#[tokio::test(start_paused = true)]
async fn a_router_that_was_stopped_had_others_forget_its_members() {
    let hub = Hub::new(64);
    let (post, mut taker) = Post::new();
    let (_, all) = hub.reached(RouterId(9), post);
    assert_eq!(all, [Word::Whole]);
    let mut line = open(&hub, None);
    line.say(REGISTER).await;
    assert!(is_registered(taker.next().await));
    hub.close_all("this router ends");
    assert_eq!(line.ended.await.unwrap().0, End::Ours);
    hub.ended(FROM, meshworker_gossip::ConnectionId(2), End::Ours);
    assert_eq!(taker.next().await, None);
    let (post, mut taker) = Post::new();
    assert_eq!(hub.reached(RouterId(9), post).1, []);
    assert_eq!(taker.next().await, None);
}

/// What was still in the older line's buffers took away what the newer one had told.
#[tokio::test]
async fn an_older_line_of_a_router_still_counted() {
    let hub = Hub::new(64);
    let other = RouterId(9);
    let older = hub.met(other).unwrap();
    let newer = hub.met(other).unwrap();
    assert!(!hub.told(other, older, Word::Whole));
    assert!(hub.told(other, newer, Word::Whole));
    hub.left(other, older);
    assert_eq!(hub.status().routers, 1);
    hub.left(other, newer);
    assert_eq!((hub.status().routers, hub.status().lost_routers), (0, 1));
}

/// Whoever sent a long frame that does not end took a place of those that members need.
#[tokio::test(start_paused = true)]
async fn strangers_took_the_places_for_long_frames() {
    let hub = Hub::new(64);
    let mut line = open(&hub, None);
    line.say("00030000").await;
    line.stream.write_all(&[0; 8192]).await.unwrap();
    let (how, why) = line.ended.await.unwrap();
    assert_eq!((how, why.as_str()), (End::Ours, "a stranger says too much"));
}

/// What a slow member had not taken was lost, though who sent it could have waited.
#[tokio::test(start_paused = true)]
async fn whoever_sends_more_than_others_take_waits_for_them() {
    let hub = Hub::new(64);
    let (mut sender, mut reader) = (open(&hub, None), open(&hub, None));
    sender.say(REGISTER).await;
    let other = REGISTER.replace("94372af1", "94372af2");
    reader.say(&other).await;
    // MESSAGE, "chat", to all, from A, 60 000 bytes.
    let message = [
        &hex("0000ea7e0401000463686174010294372af1c84a76ca7e7d671968c34125")[..],
        &hex("0000ea60"),
        &[7; 60_000],
    ];
    let message = message.concat();
    let count = 200;
    let sends = async move {
        for _ in 0..count {
            if sender.stream.write_all(&message).await.is_err() {
                panic!("{:?}", sender.ended.await);
            }
        }
        (sender, message)
    };
    let takes = async {
        for _ in 0..count {
            assert_eq!(reader.answer().await.len(), 60_034);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        reader
    };
    let sends = tokio::spawn(sends);
    let mut reader = takes.await;
    let (mut sender, message) = sends.await.unwrap();
    assert_eq!(hub.status().lost_messages, 0);
    // Nobody waits for ever for whoever takes nothing.
    let began = Instant::now();
    for _ in 0..count {
        sender.stream.write_all(&message).await.unwrap();
    }
    sender.say(WHO).await;
    assert!(hub.status().lost_messages > 0 || began.elapsed() < Duration::from_secs(60));
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
    reader.say(WHO).await;
}
