//! The line to one other router's address.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use meshworker_gossip::{RouterId, Word};
use tokio::net::TcpStream;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_rustls::client::TlsStream;
use tokio_util::codec::{Framed, LengthDelimitedCodec};
use tracing::{debug, info};

use super::post::Taker;
use super::{ALIVE, Post, SILENT, codec};
use crate::gossip::hub::Hub;
use crate::proof::Call;

/// A connection takes less, or nobody is there.
const DIAL: Duration = Duration::from_secs(1);

/// Between two tries where it leads to this router itself.
const OWN: Duration = Duration::from_secs(30);

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(500);

/// The line to one other router's address: kept as long as that is listed.
pub(super) struct Line {
    at: SocketAddr,
    call: Arc<Call>,
    hub: Arc<Hub>,
}

/// Why a line is no more.
enum Broken {
    /// It leads to this router itself.
    Own,
    Why(String),
}

type Wire = Framed<TlsStream<TcpStream>, LengthDelimitedCodec>;

impl Line {
    pub(super) fn new(at: SocketAddr, call: Arc<Call>, hub: Arc<Hub>) -> Line {
        Line { at, call, hub }
    }

    /// Tells whoever is there what is registered here, until there is nobody to tell.
    pub(super) async fn keep(self) {
        let mut told = String::new();
        loop {
            let why = match timeout(DIAL, self.call.connect(self.at)).await {
                Ok(Ok(stream)) => self.speak(stream).await,
                Ok(Err(why)) => Broken::Why(why.to_string()),
                Err(_) => Broken::Why("it does not answer".to_owned()),
            };
            match why {
                // Another one may have this address some day.
                Broken::Own => sleep(OWN).await,
                Broken::Why(why) if why != told => {
                    debug!(router = %self.at, "no way to another gossip router: {why}");
                    told = why;
                }
                Broken::Why(_) => {}
            }
            sleep(PAUSE).await;
        }
    }

    async fn speak(&self, stream: TlsStream<TcpStream>) -> Broken {
        let _ = stream.get_ref().0.set_nodelay(true);
        let mut wire = Framed::new(stream, codec());
        let other = match self.greet(&mut wire).await {
            Ok(other) => other,
            Err(broken) => return broken,
        };
        let (post, taker) = Post::new();
        let (line, all) = self.hub.reached(other, post);
        info!(router = %self.at, registrations = all.len().saturating_sub(1), "another gossip router is told");
        let way = Way {
            hub: &self.hub,
            other,
            line,
        };
        let why = tell(&mut wire, all, taker).await;
        drop(way);
        Broken::Why(why)
    }

    async fn greet(&self, wire: &mut Wire) -> Result<RouterId, Broken> {
        let own = self.hub.id();
        say(wire, Word::Hello(own).bytes())
            .await
            .map_err(Broken::Why)?;
        let heard = timeout(SILENT, wire.next()).await;
        let heard = heard.map_err(|_| Broken::Why("it says nothing".to_owned()))?;
        match heard.map(|heard| heard.map(|bytes| Word::of(&bytes.freeze()))) {
            Some(Ok(Ok(Word::Hello(other)))) if other == own => Err(Broken::Own),
            Some(Ok(Ok(Word::Hello(other)))) => Ok(other),
            Some(Ok(Err(why))) => Err(Broken::Why(why.to_string())),
            Some(Err(why)) => Err(Broken::Why(why.to_string())),
            None => Err(Broken::Why("it hung up".to_owned())),
            Some(Ok(Ok(_))) => Err(Broken::Why("it does not say who it is".to_owned())),
        }
    }
}

/// A way to another router that ends with whoever holds it, however that ends.
struct Way<'a> {
    hub: &'a Hub,
    other: RouterId,
    line: u64,
}

impl Drop for Way<'_> {
    fn drop(&mut self) {
        self.hub.unreached(self.other, self.line);
    }
}

/// Tells all of this, then whatever changes, and says why no more.
async fn tell(wire: &mut Wire, all: Vec<Word>, mut taker: Taker) -> String {
    for word in all {
        if let Err(why) = feed(wire, word.bytes()).await {
            return why;
        }
    }
    let mut beats = interval(ALIVE);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heard = Instant::now();
    loop {
        let bytes = tokio::select! {
            _ = beats.tick() => {
                if heard.elapsed() > SILENT {
                    return "it fell silent".to_owned();
                }
                Word::Alive.bytes()
            }
            bytes = taker.next() => match bytes {
                Some(bytes) => bytes,
                None => return "it took too little: it is told anew".to_owned(),
            },
            word = wire.next() => match word {
                Some(Ok(_)) => {
                    heard = Instant::now();
                    continue;
                }
                Some(Err(why)) => return why.to_string(),
                None => return "it hung up".to_owned(),
            },
        };
        if let Err(why) = say(wire, bytes).await {
            return why;
        }
    }
}

/// What is said soon, with what comes after it.
async fn feed(wire: &mut Wire, bytes: Bytes) -> Result<(), String> {
    within(wire.feed(bytes)).await
}

async fn say(wire: &mut Wire, bytes: Bytes) -> Result<(), String> {
    within(wire.send(bytes)).await
}

async fn within(saying: impl Future<Output = std::io::Result<()>>) -> Result<(), String> {
    match timeout(SILENT, saying).await {
        Ok(said) => said.map_err(|why| why.to_string()),
        Err(_) => Err("it takes nothing any more".to_owned()),
    }
}
