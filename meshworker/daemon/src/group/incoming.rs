//! Where other workers speak to this one.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::server::TlsStream;
use tokio_util::codec::Framed;
use tracing::{debug, warn};

use super::event::Event;
use super::frame::Frame;
use super::line::codec;
use super::shared::Shared;
use crate::http::{Place, Places, listener};
use crate::proof::Door;

/// Whoever has not proved to be a worker by then is none: whoever calls waits no longer.
const PROOF: Duration = Duration::from_secs(1);

/// Whoever takes no answer for so long is gone.
const TAKEN: Duration = Duration::from_secs(3);

/// So many bytes of letters wait for the group's thread; whoever sends more waits, too.
pub(super) const WAITING: usize = 4 << 20;

/// Whoever is there says something more often.
const SILENT: Duration = Duration::from_secs(5);

/// The pause after a connection that could not be accepted: without descriptors
/// the next one cannot be either.
const RECOVER: Duration = Duration::from_millis(100);

/// Where other workers speak to this one.
pub(super) struct Incoming {
    listener: TcpListener,
    door: Arc<Door>,
    shared: Arc<Shared>,
    events: mpsc::Sender<Event>,
}

impl Incoming {
    /// Listens here for whoever proves at this door to be a worker.
    ///
    /// # Errors
    ///
    /// The address cannot be listened at.
    pub(super) fn bind(
        address: SocketAddr,
        door: Arc<Door>,
        shared: Arc<Shared>,
        events: mpsc::Sender<Event>,
    ) -> io::Result<Incoming> {
        Ok(Incoming {
            listener: listener(address)?,
            door,
            shared,
            events,
        })
    }

    /// Hears everybody, for ever. Whoever proves nothing keeps no worker out.
    pub(super) async fn run(self) {
        let places = Arc::<Places>::default();
        let room = Arc::new(Semaphore::new(WAITING));
        let mut tending = pin!(places.tend());
        let mut speaking = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                () = &mut tending => continue,
                accepted = self.listener.accept() => accepted,
                Some(_) = speaking.join_next() => continue,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let (places, peer) = (Arc::clone(&places), peer.ip().to_canonical());
                    let door = Arc::clone(&self.door);
                    let office = Office {
                        shared: Arc::clone(&self.shared),
                        events: self.events.clone(),
                        room: Arc::clone(&room),
                    };
                    speaking.spawn(async move {
                        let Some(place) = places.enter(peer).await else {
                            return door.refused(peer, &"too many connections wait for a place");
                        };
                        let gives_way = place.gives_way();
                        let why = tokio::select! {
                            why = hear(stream, peer, &door, &place, &office) => why,
                            () = gives_way.notified() => "others need its place".to_owned(),
                        };
                        debug!(%peer, "another worker speaks no more: {why}");
                    });
                }
                Err(why) => {
                    warn!("a worker's connection could not be accepted: {why}");
                    sleep(RECOVER).await;
                }
            }
        }
    }
}

/// What every connection needs of this worker.
struct Office {
    shared: Arc<Shared>,
    events: mpsc::Sender<Event>,
    room: Arc<Semaphore>,
}

async fn hear(
    stream: TcpStream,
    peer: IpAddr,
    door: &Door,
    place: &Place,
    office: &Office,
) -> String {
    let _ = stream.set_nodelay(true);
    let Some(acceptor) = door.acceptor() else {
        return "the tokens cannot be read".to_owned();
    };
    match timeout(PROOF, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => {
            place.prove();
            answer(stream, office).await
        }
        Ok(Err(why)) => {
            door.refused(peer, &why);
            why.to_string()
        }
        Err(_) => {
            let why = "it has proved nothing when its time is over";
            door.refused(peer, &why);
            why.to_owned()
        }
    }
}

/// Hears a worker until it falls silent, and says why.
async fn answer(
    stream: TlsStream<TcpStream>,
    Office {
        shared,
        events,
        room,
    }: &Office,
) -> String {
    let mut wire = Framed::new(stream, codec());
    let (answers, mut answered) = mpsc::channel(16);
    loop {
        let frame = tokio::select! {
            frame = timeout(SILENT, wire.next()) => frame,
            Some(answer) = answered.recv() => {
                if let Err(why) = say(&mut wire, answer).await {
                    return why;
                }
                continue;
            }
        };
        let frame = match frame {
            Ok(Some(Ok(bytes))) => Frame::of(&bytes),
            Ok(Some(Err(why))) => return why.to_string(),
            Ok(None) => return "it hung up".to_owned(),
            Err(_) => return "it fell silent".to_owned(),
        };
        let event = match frame {
            Ok(Frame::Hello(hello)) => {
                if let Some(own) = shared.hello()
                    && let Err(why) = say(&mut wire, Frame::Hello(own)).await
                {
                    return why;
                }
                Event::Heard(hello, None)
            }
            Ok(Frame::Letter(letter)) => {
                let bytes = letter.message.len().min(WAITING);
                let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
                match Arc::clone(room).acquire_many_owned(bytes).await {
                    Ok(place) => Event::Letter(letter, place),
                    Err(why) => return why.to_string(),
                }
            }
            Ok(Frame::Tell(told)) => Event::Tell(told, false),
            Ok(Frame::Ask(number, order)) => {
                let (reply, heard) = oneshot::channel();
                let answers = answers.clone();
                tokio::spawn(async move {
                    let lost = || Err("this worker ends".to_owned());
                    let answer = heard.await.unwrap_or_else(|_| lost());
                    // Whoever asked may be gone.
                    let _ = answers.send(Frame::Answer(number, answer)).await;
                });
                Event::Handed(order, reply)
            }
            Ok(Frame::Answer(..)) => return "it answers what nobody asked".to_owned(),
            Err(why) => return why.to_string(),
        };
        if events.send(event).await.is_err() {
            return "this worker ends".to_owned();
        }
    }
}

async fn say(
    wire: &mut Framed<TlsStream<TcpStream>, tokio_util::codec::LengthDelimitedCodec>,
    frame: Frame,
) -> Result<(), String> {
    let bytes = frame.bytes().map_err(|why| why.to_string())?;
    match timeout(TAKEN, wire.send(bytes)).await {
        Ok(sent) => sent.map_err(|why| why.to_string()),
        Err(_) => Err("it takes nothing any more".to_owned()),
    }
}
