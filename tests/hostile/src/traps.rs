//! What answers at this container's own address: a node of the database that says what
//! it likes, and a worker and its API that everybody may come to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::{Options, Tally};

/// So long one that came is kept.
const KEPT: Duration = Duration::from_secs(20);

/// What a node of a database answers, in turn.
const NODE: [Answer; 6] = [
    Answer::Endless(b"$1000000000\r\n", b"xxxxxxxxxxxxxxxx"),
    Answer::Endless(b"*1900000\r\n", b":1\r\n:1\r\n:1\r\n:1\r\n"),
    Answer::Never,
    Answer::Once(b"+OK\r\n+OK\r\n+OK\r\n+OK\r\n"),
    Answer::Once(b"\x16\x03\x03\xff\xff HTTP/1.1 200 OK\r\n\r\n-ERR no\r\n"),
    Answer::Drop(b"-"),
];

/// What a worker answers that lets everybody go and finds everything well.
const GRANTED: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
    content-length: 155\r\n\r\n{\"generation\":1,\"in_place\":true,\"cluster\":\"one\",\
    \"verdict\":{\"granted\":true,\"why\":\"hostile says so\",\"going\":\"everybody\",\"place\":1,\
    \"progress\":null}}                    ";

/// How to answer.
#[derive(Clone, Copy)]
enum Answer {
    /// This, and then that for as long as it is read.
    Endless(&'static [u8], &'static [u8]),
    Never,
    Once(&'static [u8]),
    /// One of these a second.
    Drop(&'static [u8]),
}

/// Listens wherever somebody may come.
pub(crate) fn set(options: &Options, tally: &Arc<Tally>, attacks: &mut JoinSet<()>) {
    let answers: [(&'static str, u16, &'static [Answer]); 4] = [
        ("node", options.port, &NODE),
        ("bus", options.port.saturating_add(10_000), &NODE),
        (
            "worker",
            4747,
            &[
                Answer::Once(GRANTED),
                Answer::Once(b"\x16\x03\x03\0\x02hi"),
                Answer::Never,
            ],
        ),
        ("api", 4748, &[Answer::Once(GRANTED)]),
    ];
    for (trap, port, answers) in answers {
        let at = SocketAddr::from((options.own, port));
        attacks.spawn(listen(trap, at, answers, Arc::clone(tally)));
    }
}

async fn listen(trap: &'static str, at: SocketAddr, answers: &'static [Answer], tally: Arc<Tally>) {
    let listener = match TcpListener::bind(at).await {
        Ok(listener) => listener,
        Err(why) => return tally.answered(trap, &why.to_string()),
    };
    let mut visits = JoinSet::new();
    for answer in answers.iter().cycle() {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        tally.came(trap);
        let tally = Arc::clone(&tally);
        visits.spawn(async move {
            let _ = timeout(KEPT, visit(trap, stream, *answer, &tally)).await;
        });
        while visits.try_join_next().is_some() {}
    }
}

async fn visit(
    trap: &str,
    mut stream: TcpStream,
    answer: Answer,
    tally: &Tally,
) -> std::io::Result<()> {
    let mut asked = vec![0; 4096];
    loop {
        let read = stream.read(&mut asked).await?;
        if read == 0 {
            return Ok(());
        }
        tally.heard(trap, asked.get(..read).unwrap_or_default());
        match answer {
            Answer::Never => {}
            Answer::Once(bytes) => stream.write_all(bytes).await?,
            Answer::Endless(first, again) => {
                stream.write_all(first).await?;
                let piece = again.repeat(4096);
                loop {
                    stream.write_all(&piece).await?;
                    // A lab has two cores for everybody.
                    sleep(Duration::from_millis(20)).await;
                }
            }
            Answer::Drop(bytes) => loop {
                stream.write_all(bytes).await?;
                sleep(Duration::from_secs(1)).await;
            },
        }
    }
}
