//! Where other workers speak to this one.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::server::TlsStream;
use tokio_util::codec::Framed;
use tracing::{debug, warn};

use super::event::Event;
use super::frame::Frame;
use super::line::codec;
use super::shared::Shared;
use crate::proof::Door;

/// So many may speak, or prove that they may, at a time: more workers are a mistake.
const MOST: usize = 64;

/// Whoever has not proved to be a worker by then is none.
const PROOF: Duration = Duration::from_secs(3);

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
    pub(super) async fn bind(
        address: SocketAddr,
        door: Arc<Door>,
        shared: Arc<Shared>,
        events: mpsc::Sender<Event>,
    ) -> io::Result<Incoming> {
        Ok(Incoming {
            listener: TcpListener::bind(address).await?,
            door,
            shared,
            events,
        })
    }

    /// Hears everybody, for ever.
    pub(super) async fn run(self) {
        let mut speaking = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept(), if speaking.len() < MOST => accepted,
                Some(_) = speaking.join_next() => continue,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let door = Arc::clone(&self.door);
                    let (shared, events) = (Arc::clone(&self.shared), self.events.clone());
                    speaking.spawn(async move {
                        let why = hear(stream, peer, &door, &shared, &events).await;
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

async fn hear(
    stream: TcpStream,
    peer: SocketAddr,
    door: &Door,
    shared: &Shared,
    events: &mpsc::Sender<Event>,
) -> String {
    let _ = stream.set_nodelay(true);
    let Some(acceptor) = door.acceptor() else {
        return "the tokens cannot be read".to_owned();
    };
    match timeout(PROOF, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => answer(stream, shared, events).await,
        Ok(Err(why)) => {
            door.refused(peer.ip().to_canonical(), &why);
            why.to_string()
        }
        Err(_) => {
            let why = "it has proved nothing when its time is over";
            door.refused(peer.ip().to_canonical(), &why);
            why.to_owned()
        }
    }
}

/// Hears a worker until it falls silent, and says why.
async fn answer(
    stream: TlsStream<TcpStream>,
    shared: &Shared,
    events: &mpsc::Sender<Event>,
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
            Ok(Frame::Letter(letter)) => Event::Letter(letter),
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
    match timeout(PROOF, wire.send(bytes)).await {
        Ok(sent) => sent.map_err(|why| why.to_string()),
        Err(_) => Err("it takes nothing any more".to_owned()),
    }
}
