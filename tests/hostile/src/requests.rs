//! Whole requests that must not be granted: whatever they are answered is counted.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::{Options, Tally};

/// Between two of one kind.
const PAUSE: Duration = Duration::from_millis(100);

/// The longest that an answer is waited for: what is not answered then is of no use.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn begin(options: &Options, tally: &Arc<Tally>, attacks: &mut JoinSet<()>) {
    let cluster = &options.cluster;
    let members = SocketAddr::from((options.worker, 4747));
    let api = SocketAddr::from((options.worker, 4748));
    let victim = options.members.first().copied().unwrap_or(options.own);
    let json = |text: String, more: &str| {
        let length = text.len();
        format!("{more}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{text}")
    };
    let said = |address: std::net::Ipv4Addr| {
        format!(
            r#"{{"cluster":"{cluster}","service":"{cluster}","slot":1,"task":"zz","node":"n","address":"{address}","phase":"leaving","generation":9}}"#
        )
    };
    let post = |path: &str| format!("POST {path} HTTP/1.1\r\nhost: x\r\n");
    let hold = post(&format!("/v1/clusters/{cluster}/hold"));
    let token = |token: &str| format!("authorization: Bearer {token}\r\n");
    let web = [
        (
            "another host",
            "GET /v1/clusters HTTP/1.1\r\nhost: evil.example\r\n\r\n".to_owned(),
        ),
        (
            "another host's order",
            format!(
                "POST /v1/clusters/{cluster}/hold HTTP/1.1\r\nhost: evil.example\r\n{}",
                json("{}".into(), "")
            ),
        ),
        (
            "another site",
            "GET /v1/clusters HTTP/1.1\r\nhost: x\r\nsec-fetch-site: cross-site\r\n\r\n".to_owned(),
        ),
        (
            "an order without a token",
            format!("{hold}{}", json("{}".into(), "")),
        ),
        (
            "an order with another token",
            format!(
                "{hold}{}",
                json("{}".into(), &token("change-me-members-and-workerz"))
            ),
        ),
        (
            "a drain without a token",
            format!(
                "{}{}",
                post(&format!("/v1/clusters/{cluster}/drain")),
                json(r#"{"member":"1"}"#.into(), "")
            ),
        ),
    ];
    let plain = [
        (
            "announces itself",
            format!(
                "{}{}",
                post("/v1/announcements"),
                json(said(options.own), "")
            ),
        ),
        (
            "announces a member",
            format!(
                "{}{}",
                post("/v1/announcements"),
                json(said(victim), &token("change-me"))
            ),
        ),
        (
            "announces garbage",
            format!(
                "{}{}",
                post("/v1/announcements"),
                json("[".repeat(8000), "")
            ),
        ),
    ];
    let all = web.into_iter().map(|(what, text)| (what, api, text));
    let all = all.chain(plain.into_iter().map(|(what, text)| (what, members, text)));
    for (attack, to, text) in all {
        let tally = Arc::clone(tally);
        attacks.spawn(async move {
            loop {
                let answer = asked(to, text.as_bytes()).await;
                let status = answer
                    .as_deref()
                    .map(|answer| answer.get(9..12).unwrap_or("?"));
                tally.answered(attack, status.unwrap_or("nothing"));
                sleep(PAUSE).await;
            }
        });
    }
    for member in options.members.clone() {
        for (attack, command) in [
            (
                "meets",
                format!("CLUSTER MEET {} {}\r\n", options.own, options.port),
            ),
            ("forgets", format!("CLUSTER FORGET {}\r\n", "a".repeat(40))),
            ("guesses", "AUTH 0123456789abcdef\r\n".to_owned()),
            ("asks", "CLUSTER NODES\r\n".to_owned()),
        ] {
            let (tally, to) = (Arc::clone(tally), SocketAddr::from((member, options.port)));
            attacks.spawn(async move {
                loop {
                    let answer = asked(to, command.as_bytes()).await;
                    let word = answer
                        .as_deref()
                        .and_then(|answer| answer.split_whitespace().next());
                    tally.answered(attack, word.unwrap_or("nothing"));
                    sleep(PAUSE * 5).await;
                }
            });
        }
    }
}

/// The beginning of what is answered, if anything is.
async fn asked(to: SocketAddr, text: &[u8]) -> Option<String> {
    let exchange = async {
        let mut stream = TcpStream::connect(to).await.ok()?;
        stream.write_all(text).await.ok()?;
        let mut answer = vec![0; 4096];
        let read = stream.read(&mut answer).await.ok()?;
        answer.truncate(read);
        (read > 0).then(|| String::from_utf8_lossy(&answer).into_owned())
    };
    timeout(PATIENCE, exchange).await.ok().flatten()
}
