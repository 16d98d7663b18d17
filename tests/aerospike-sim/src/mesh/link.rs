//! One heartbeat connection: bytes in, bytes out, and what is known of the other end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::pulse::Pulse;
use crate::{NodeId, Seed, frame};

/// How many pulses wait for a slow connection before they are dropped: a pulse is worth nothing once the next one is made.
const OUTBOX: usize = 4;
/// How long a connection may take to open: a node that is there answers within milliseconds.
const DIAL_WITHIN: Duration = Duration::from_secs(1);
/// How long one pulse may take to be written: longer than any node is alive without heartbeats.
const WRITE_WITHIN: Duration = Duration::from_secs(15);

/// Why a link exists.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Origin {
    /// The other side called.
    Accepted,
    /// This side was told to call.
    Seed(Seed),
    /// This side heard of the other from a third.
    Hearsay(SocketAddr),
}

/// What a link's task tells the mesh.
#[derive(Debug)]
pub(crate) enum Event {
    Opened { origin: Origin, stream: TcpStream },
    NotOpened { origin: Origin },
    Heard { link: u64, pulse: Box<Pulse> },
    Closed { link: u64 },
}

/// A link as the mesh keeps it. Dropping it closes the connection.
#[derive(Debug)]
pub(crate) struct Link {
    pub origin: Origin,
    pub remote: SocketAddr,
    /// How long this node had lived when it last heard something.
    pub heard_at: Duration,
    pub peer: Option<NodeId>,
    /// The name of the other side's cluster, when it is not this one's.
    pub foreign: Option<String>,
    outbox: mpsc::Sender<Arc<[u8]>>,
}

impl Link {
    /// A link over this connection, and the task that carries its bytes.
    pub fn open(
        number: u64,
        origin: Origin,
        stream: TcpStream,
        events: mpsc::Sender<Event>,
        now: Duration,
    ) -> std::io::Result<(Self, impl Future<Output = ()> + Send + 'static)> {
        stream.set_nodelay(true)?;
        let remote = stream.peer_addr()?;
        let (outbox, pulses) = mpsc::channel(OUTBOX);
        let link = Self {
            origin,
            remote,
            heard_at: now,
            peer: None,
            foreign: None,
            outbox,
        };
        Ok((link, carry(number, stream, pulses, events)))
    }

    pub fn send(&self, pulse: &Arc<[u8]>) {
        // A full outbox is a stalled connection; the other side will notice the silence, and so will this one.
        let _ = self.outbox.try_send(Arc::clone(pulse));
    }
}

/// Carries bytes both ways until either way ends or the link is dropped.
async fn carry(
    link: u64,
    stream: TcpStream,
    mut pulses: mpsc::Receiver<Arc<[u8]>>,
    events: mpsc::Sender<Event>,
) {
    let (mut reader, mut writer) = stream.into_split();
    let reading = async {
        while let Ok(pulse) = frame::read::<Pulse, _>(&mut reader).await {
            if events
                .send(Event::Heard {
                    link,
                    pulse: Box::new(pulse),
                })
                .await
                .is_err()
            {
                return;
            }
        }
    };
    let writing = async {
        while let Some(pulse) = pulses.recv().await {
            // Behind a cut cable a write neither succeeds nor fails.
            if !matches!(
                timeout(WRITE_WITHIN, writer.write_all(&pulse)).await,
                Ok(Ok(()))
            ) {
                return;
            }
        }
    };
    tokio::select! {
        () = reading => {}
        () = writing => {}
    }
    let _ = events.send(Event::Closed { link }).await;
}

/// Opens a connection to where the origin points, but never to `own`.
pub(crate) async fn dial(origin: Origin, own: SocketAddr, events: mpsc::Sender<Event>) {
    let opened = match timeout(DIAL_WITHIN, connect(&origin, own)).await {
        Ok(Some(stream)) => Event::Opened { origin, stream },
        _ => Event::NotOpened { origin },
    };
    let _ = events.send(opened).await;
}

async fn connect(origin: &Origin, own: SocketAddr) -> Option<TcpStream> {
    let addresses: Vec<SocketAddr> = match origin {
        Origin::Accepted => return None,
        Origin::Hearsay(address) => vec![*address],
        Origin::Seed(seed) => lookup_host((seed.host(), seed.port()))
            .await
            .ok()?
            .collect(),
    };
    for address in addresses.into_iter().filter(|address| *address != own) {
        if let Ok(stream) = TcpStream::connect(address).await {
            return Some(stream);
        }
    }
    None
}
