//! One member's connection.

use std::future::{pending, poll_fn};
use std::io::{self, ErrorKind};
use std::mem::MaybeUninit;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use meshworker_gossip::{ConnectionId, Decoder, Dialect, End, Reply, Request, SMALL};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout};

use super::hub::Hub;
use super::outbox::{Next, Outbox};

/// Whoever has said nothing by then that is understood is none of ours; half a frame is
/// whole after as long.
pub(super) const FIRST: Duration = Duration::from_secs(10);

/// Whoever does not take a piece in so long is gone.
const TAKEN: Duration = Duration::from_secs(10);

/// Whoever has so many bytes of answers to take is not listened to.
const UNTAKEN: usize = 4 << 10;

/// So many bytes are read at once. They stand on the stack while they are, so that
/// thousands that say nothing need no room for them.
const PIECE: usize = 16 << 10;

/// What a connection takes in the program, in bytes: its task, its place, and half a request.
pub(super) const A_CONNECTION: usize = 2 * 1024 + SMALL;

/// Far enough away for those whose connection may rest.
const NEVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// One member's connection, and what it needs of its router.
pub(super) struct Connection {
    pub(super) id: ConnectionId,
    pub(super) from: IpAddr,
    pub(super) outbox: Arc<Outbox>,
    pub(super) hub: Arc<Hub>,
    pub(super) long: Arc<Semaphore>,
    pub(super) expiry: Option<Duration>,
}

impl Connection {
    /// Hears and answers the member until one of both ends it; how it did, and why.
    pub(super) async fn run<S>(self, mut stream: S) -> (End, String)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut decoder = Decoder::default();
        let (how, why) = self.converse(&mut stream, &mut decoder).await;
        if how != End::Lost {
            let farewell = decoder
                .dialect()
                .unwrap_or(Dialect::Framed { sender: true });
            let farewell = Reply::Closing.bytes(farewell);
            let _ = timeout(TAKEN, async {
                stream.write_all(&farewell).await?;
                stream.shutdown().await
            })
            .await;
        }
        (how, why)
    }

    async fn converse<S>(&self, stream: &mut S, decoder: &mut Decoder) -> (End, String)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let ours = |why: &str| (End::Ours, why.to_owned());
        let lost = |why: &dyn std::fmt::Display| (End::Lost, why.to_string());
        let mut long: Option<OwnedSemaphorePermit> = None;
        let mut until = Instant::now() + FIRST;
        let (mut halved, mut known, mut heard, mut waits) = (false, false, false, false);
        // Those whom it sends more than they take: what it says next waits for them.
        let mut behind: Vec<Arc<Outbox>> = Vec::new();
        loop {
            // One request after another: whoever does not take an answer is given no other.
            let listens = self.outbox.answers() < UNTAKEN && behind.is_empty();
            if listens {
                match decoder.next_request() {
                    Ok(Some(request)) => {
                        if !known && matches!(request, Request::Register(..)) {
                            known = true;
                            self.hub.known(self.from, self.id);
                        }
                        // Others may have a long frame now.
                        (heard, long) = (true, None);
                        let Some(dialect) = decoder.dialect() else {
                            return ours("it says farewell before anything else");
                        };
                        behind = self.hub.hear(self.from, self.id, dialect, request);
                        continue;
                    }
                    Ok(None) => {}
                    Err(why) => return (End::Ours, why.to_string()),
                }
                if decoder.held() == 0 {
                    (*decoder.buffer(), halved, waits) = (BytesMut::new(), false, false);
                    if heard {
                        until = Instant::now() + self.expiry.unwrap_or(NEVER);
                    }
                } else {
                    if heard || !halved {
                        until = Instant::now() + FIRST;
                    }
                    halved = true;
                    // Who is not in a group has nothing long to say.
                    if !known && decoder.held() > SMALL {
                        return ours("a stranger says too much");
                    }
                    waits = long.is_none() && decoder.held() > SMALL;
                }
                heard = false;
            }
            let read = tokio::select! {
                next = self.outbox.next() => match next {
                    Next::Send(sending) => match send(stream, &sending.bytes).await {
                        Ok(()) => continue,
                        Err(why) if why.kind() == ErrorKind::TimedOut => return ours("it takes nothing"),
                        Err(why) => return lost(&why),
                    },
                    // What the member has ended itself the router knows already.
                    Next::Close(why) => return (End::Ours, why.to_owned()),
                },
                () = caught_up(&behind) => {
                    behind.clear();
                    continue;
                }
                place = Arc::clone(&self.long).acquire_owned(), if waits => match place {
                    Ok(place) => {
                        long = Some(place);
                        continue;
                    }
                    Err(why) => return lost(&why),
                },
                read = read(stream, decoder.buffer()), if listens && !waits => read,
                () = sleep_until(until), if listens => return match decoder.dialect() {
                    Some(_) if decoder.held() == 0 => ours("it says nothing"),
                    _ => ours("half a frame is all that came in time"),
                },
            };
            match read {
                Ok(0) => return lost(&"it hung up"),
                Ok(_) => {}
                Err(why) => return lost(&why),
            }
        }
    }
}

/// Waits for each of these, if there is any.
async fn caught_up(behind: &[Arc<Outbox>]) {
    if behind.is_empty() {
        return pending().await;
    }
    for one in behind {
        one.catches_up().await;
    }
}

/// Each piece has its own time, so that a slow way is none that is gone. With TLS what is
/// written may stay behind until it is asked for.
async fn send<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) -> io::Result<()> {
    for piece in bytes.chunks(PIECE) {
        timeout(TAKEN, stream.write_all(piece)).await??;
    }
    timeout(TAKEN, stream.flush()).await?
}

/// Reads what has come; nothing at the end. May be cancelled.
async fn read<S: AsyncRead + Unpin>(stream: &mut S, into: &mut BytesMut) -> io::Result<usize> {
    poll_fn(|context| {
        let mut piece = [MaybeUninit::uninit(); PIECE];
        let mut piece = ReadBuf::uninit(&mut piece);
        let polled = Pin::new(&mut *stream).poll_read(context, &mut piece);
        polled.map_ok(|()| {
            into.extend_from_slice(piece.filled());
            piece.filled().len()
        })
    })
    .await
}
