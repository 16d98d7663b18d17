//! Where other routers speak to this one.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use meshworker_gossip::{RouterId, Word};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::server::TlsStream;
use tokio_util::codec::{Framed, LengthDelimitedCodec};
use tracing::{debug, info, warn};

use super::{SILENT, codec};
use crate::gossip::hub::Hub;
use crate::http::{Place, Places, listener};
use crate::proof::Door;

/// Whoever has not proved to be a router by then is none.
const PROOF: Duration = Duration::from_secs(1);

/// The pause after a connection that could not be accepted: without descriptors
/// the next one cannot be either.
const RECOVER: Duration = Duration::from_millis(100);

/// Where other routers speak to this one.
pub(super) struct Incoming {
    listener: TcpListener,
    door: Arc<Door>,
    hub: Arc<Hub>,
}

impl Incoming {
    /// Listens here for whoever proves at this door to be a router.
    ///
    /// # Errors
    ///
    /// The address cannot be listened at.
    pub(super) fn bind(
        address: SocketAddr,
        door: Arc<Door>,
        hub: Arc<Hub>,
    ) -> io::Result<Incoming> {
        Ok(Incoming {
            listener: listener(address)?,
            door,
            hub,
        })
    }

    /// Hears everybody, for ever. Whoever proves nothing keeps no router out.
    pub(super) async fn run(&self) {
        let places = Arc::<Places>::default();
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
                    let (door, hub) = (Arc::clone(&self.door), Arc::clone(&self.hub));
                    speaking.spawn(async move {
                        let Some(place) = places.enter(peer).await else {
                            return door.refused(peer, &"too many connections wait for a place");
                        };
                        let gives_way = place.gives_way();
                        let why = tokio::select! {
                            why = hear(stream, peer, &door, &place, &hub) => why,
                            () = gives_way.notified() => "others need its place".to_owned(),
                        };
                        debug!(%peer, "another gossip router speaks no more: {why}");
                    });
                }
                Err(why) => {
                    warn!("a gossip router's connection could not be accepted: {why}");
                    sleep(RECOVER).await;
                }
            }
        }
    }
}

async fn hear(stream: TcpStream, peer: IpAddr, door: &Door, place: &Place, hub: &Hub) -> String {
    let _ = stream.set_nodelay(true);
    let Some(acceptor) = door.acceptor() else {
        return "the tokens cannot be read".to_owned();
    };
    match timeout(PROOF, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => {
            place.prove();
            listen(Framed::new(stream, codec()), peer, hub).await
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

type Wire = Framed<TlsStream<TcpStream>, LengthDelimitedCodec>;

/// Hears another router until it falls silent, and says why.
async fn listen(mut wire: Wire, peer: IpAddr, hub: &Hub) -> String {
    let other = match next(&mut wire).await {
        Ok(Word::Hello(other)) => other,
        Ok(_) => return "it does not say who it is".to_owned(),
        Err(why) => return why,
    };
    if let Err(why) = say(&mut wire, Word::Hello(hub.id())).await {
        return why;
    }
    if other == hub.id() {
        return "it is this router itself".to_owned();
    }
    let Some(line) = hub.met(other) else {
        return "there are too many gossip routers".to_owned();
    };
    let _heard = Heard { hub, other, line };
    info!(%peer, "another gossip router tells what it has");
    loop {
        match next(&mut wire).await {
            Ok(Word::Hello(_)) => return "it says twice who it is".to_owned(),
            Ok(word) => {
                let is_alive = word == Word::Alive;
                if !hub.told(other, line, word) {
                    return "it has a newer line, or is to begin one".to_owned();
                }
                if is_alive && let Err(why) = say(&mut wire, Word::Alive).await {
                    return why;
                }
            }
            Err(why) => return why,
        }
    }
}

/// A router that is heard as long as this lives.
struct Heard<'a> {
    hub: &'a Hub,
    other: RouterId,
    line: u64,
}

impl Drop for Heard<'_> {
    fn drop(&mut self) {
        self.hub.left(self.other, self.line);
    }
}

async fn next(wire: &mut Wire) -> Result<Word, String> {
    match timeout(SILENT, wire.next()).await {
        Ok(Some(Ok(bytes))) => Word::of(&bytes.freeze()).map_err(|why| why.to_string()),
        Ok(Some(Err(why))) => Err(why.to_string()),
        Ok(None) => Err("it hung up".to_owned()),
        Err(_) => Err("it fell silent".to_owned()),
    }
}

async fn say(wire: &mut Wire, word: Word) -> Result<(), String> {
    match timeout(SILENT, wire.send(word.bytes())).await {
        Ok(said) => said.map_err(|why| why.to_string()),
        Err(_) => Err("it takes nothing any more".to_owned()),
    }
}
