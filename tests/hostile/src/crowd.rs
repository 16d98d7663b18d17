//! Connections that take places: they say little, slowly, without end, or read nothing.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::{Options, Tally};

/// What a connection says first, then again and again, and whether it reads.
#[derive(Clone, Copy)]
struct Way(&'static str, &'static str, Duration, bool);

const NEVER: Duration = Duration::from_secs(3600);
const SECOND: Duration = Duration::from_secs(1);
const SOON: Duration = Duration::from_millis(5);

const LONG: &str = "x: 0123456789012345678901234567890123456789012345678901234567890123456789\r\n";
const CHUNK: &str = "20\r\n01234567890123456789012345678901\r\n";

/// How many connections of each kind, to each port of a worker.
const WAYS: [(usize, Way); 9] = [
    (60, Way("", "", NEVER, true)),
    (60, Way("\x16\x03\x01", "", NEVER, true)),
    (30, Way("\x16\x03\x01\x02", "\0", SECOND, true)),
    (60, Way("GET /v1/hea", "", NEVER, true)),
    (30, Way("GET / HTTP/1.1\r\nx: ", "y", SECOND, true)),
    (10, Way("GET / HTTP/1.1\r\n", LONG, SOON, true)),
    (
        30,
        Way(
            "POST /v1/announcements HTTP/1.1\r\nhost: x\r\ncontent-length: 9999\r\n\r\n",
            "{",
            SECOND,
            true,
        ),
    ),
    (
        10,
        Way(
            "POST /v1/clusters/x/hold HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n",
            CHUNK,
            SOON,
            true,
        ),
    ),
    (
        60,
        Way(
            "GET /v1/events?limit=1000 HTTP/1.1\r\nhost: x\r\n\r\n",
            " ",
            SECOND,
            false,
        ),
    ),
];

/// To the worker's API alone.
const STREAMS: (usize, Way) = (
    40,
    Way(
        "GET /v1/events/stream?after=0 HTTP/1.1\r\nhost: x\r\n\r\n",
        " ",
        SECOND,
        false,
    ),
);

/// To what databases speak to each other by, of each member, and to their supervisors.
const BUS: [(usize, Way); 4] = [
    (10, Way("", "", NEVER, true)),
    (10, Way("\x16\x03\x01\x02", "\0", SECOND, true)),
    (
        5,
        Way("RCmb\0\0\x08\x08\0\x01\0\0@\x13\0\x02", "RCmb", SOON, true),
    ),
    (5, Way("GET / HTTP/1.1\r\n", LONG, SOON, true)),
];

/// So long a connection lives at most, if nobody cuts it.
const LIFE: Duration = Duration::from_secs(60);

pub(crate) fn begin(options: &Options, tally: &Arc<Tally>, attacks: &mut JoinSet<()>) {
    let mut all: Vec<(&'static str, SocketAddr, usize, Way)> = Vec::new();
    let at = |address: Ipv4Addr, port: u16| SocketAddr::from((address, port));
    for (count, way) in WAYS {
        all.push((
            "crowd at members' port",
            at(options.worker, 4747),
            count,
            way,
        ));
        all.push((
            "crowd at operators' port",
            at(options.worker, 4748),
            count,
            way,
        ));
    }
    let (count, way) = STREAMS;
    all.push(("streams", at(options.worker, 4748), count, way));
    for member in &options.members {
        for (count, way) in BUS {
            let bus = options.port.saturating_add(10_000);
            all.push(("crowd at the bus", at(*member, bus), count, way));
            all.push(("crowd at supervisors", at(*member, 4747), count / 5, way));
        }
    }
    for (attack, to, count, way) in all {
        for _ in 0..count {
            let tally = Arc::clone(tally);
            attacks.spawn(async move {
                loop {
                    let how = match timeout(LIFE, connection(to, way)).await {
                        Err(_) => "stayed".to_owned(),
                        Ok(Ok(())) => "ended".to_owned(),
                        Ok(Err(why)) => why.kind().to_string(),
                    };
                    tally.answered(attack, &how);
                    sleep(Duration::from_millis(500)).await;
                }
            });
        }
    }
}

async fn connection(to: SocketAddr, Way(first, again, pause, reads): Way) -> std::io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    if !reads {
        socket.set_recv_buffer_size(2 * 1024)?;
    }
    let stream = socket.connect(to).await?;
    let (mut read, mut write) = stream.into_split();
    let says = async {
        write.write_all(first.as_bytes()).await?;
        loop {
            sleep(pause).await;
            write.write_all(again.as_bytes()).await?;
        }
    };
    let mut heard = [0; 4096];
    let end = async {
        if !reads {
            return std::future::pending().await;
        }
        while read.read(&mut heard).await? > 0 {}
        Ok(())
    };
    tokio::select! {
        said = says => said,
        ended = end => ended,
    }
}
