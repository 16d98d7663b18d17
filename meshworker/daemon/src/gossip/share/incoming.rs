//! Where other routers speak to this one.

use std::net::IpAddr;

use futures_util::{SinkExt, StreamExt};
use meshworker_gossip::{RouterId, Word};
use tokio::time::timeout;
use tokio_util::codec::{Framed, LengthDelimitedCodec};
use tracing::info;

use super::{SILENT, codec};
use crate::gossip::hub::Hub;
use crate::http::Proved;

type Wire = Framed<Proved, LengthDelimitedCodec>;

/// Hears another router until it falls silent, and says why.
pub(super) async fn hear(stream: Proved, peer: IpAddr, hub: &Hub) -> String {
    let mut wire = Framed::new(stream, codec());
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
