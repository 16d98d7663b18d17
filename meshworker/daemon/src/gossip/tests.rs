//! One connection, in virtual time.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use meshworker_gossip::End;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::connection::Connection;
use super::hub::Hub;

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
    for said in ["", "0000", &REGISTER[..40], "01"] {
        let mut line = open(&hub, None);
        line.say(said).await;
        let (how, why) = line.ended.await.unwrap();
        assert_eq!(how, End::Lost, "{said}: {why}");
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
    assert_eq!(line.ended.await.unwrap().0, End::Lost);
}

#[tokio::test(start_paused = true)]
async fn a_long_frame_that_never_ends_kept_others_waiting() {
    let hub = Hub::new(64);
    let mut line = open(&hub, None);
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
    assert_eq!(line.ended.await.unwrap().0, End::Lost);
}
