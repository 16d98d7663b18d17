//! Where those are heard who prove that they know the token, and speak no HTTP: workers of a
//! group, gossip routers.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::server::TlsStream;
use tracing::{debug, warn};

use super::{Place, Places, listener};
use crate::proof::Door;

/// Whoever has not proved anything by then is a stranger: whoever calls waits no longer.
const PROOF: Duration = Duration::from_secs(1);

/// The pause after a connection that could not be accepted: without descriptors
/// the next one cannot be either.
const RECOVER: Duration = Duration::from_millis(100);

/// A connection of somebody who has proved to know the token.
pub(crate) type Proved = TlsStream<TcpStream>;

/// Where they come. Whoever proves nothing keeps none of them out.
pub(crate) struct Entrance {
    listener: TcpListener,
    door: Arc<Door>,
    who: &'static str,
}

impl Entrance {
    /// Listens here for whoever proves at this door to be one of those, who are called so in
    /// the log.
    ///
    /// # Errors
    ///
    /// The address cannot be listened at.
    pub(crate) fn bind(
        address: SocketAddr,
        door: Arc<Door>,
        who: &'static str,
    ) -> io::Result<Entrance> {
        Ok(Entrance {
            listener: listener(address)?,
            door,
            who,
        })
    }

    /// Has everybody heard, for ever: `hear` says why it ends to hear one.
    pub(crate) async fn run<H, F>(&self, hear: H)
    where
        H: Fn(Proved, IpAddr) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = String> + Send,
    {
        let places = Arc::<Places>::default();
        let mut tending = pin!(places.tend());
        let mut speaking = JoinSet::new();
        let who = self.who;
        loop {
            let accepted = tokio::select! {
                () = &mut tending => continue,
                accepted = self.listener.accept() => accepted,
                Some(_) = speaking.join_next() => continue,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let (places, peer) = (Arc::clone(&places), peer.ip().to_canonical());
                    let (door, hear) = (Arc::clone(&self.door), hear.clone());
                    speaking.spawn(async move {
                        let Some(place) = places.enter(peer).await else {
                            return door.refused(peer, &"too many connections wait for a place");
                        };
                        let gives_way = place.gives_way();
                        let heard = async {
                            match proved(stream, peer, &door, &place).await {
                                Ok(stream) => hear(stream, peer).await,
                                Err(why) => why,
                            }
                        };
                        let why = tokio::select! {
                            why = heard => why,
                            () = gives_way.notified() => "others need its place".to_owned(),
                        };
                        debug!(%peer, "another {who} speaks no more: {why}");
                    });
                }
                Err(why) => {
                    warn!("the connection of a {who} could not be accepted: {why}");
                    sleep(RECOVER).await;
                }
            }
        }
    }
}

async fn proved(
    stream: TcpStream,
    peer: IpAddr,
    door: &Door,
    place: &Place,
) -> Result<Proved, String> {
    // Without it small messages wait for each other; nothing else is lost.
    let _ = stream.set_nodelay(true);
    let acceptor = door.acceptor().ok_or("the tokens cannot be read")?;
    let why = match timeout(PROOF, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => {
            place.prove();
            return Ok(stream);
        }
        Ok(Err(why)) => why.to_string(),
        Err(_) => "it has proved nothing when its time is over".to_owned(),
    };
    door.refused(peer, &why);
    Err(why)
}
