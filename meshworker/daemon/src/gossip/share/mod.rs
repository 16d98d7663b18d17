//! Several routers are one: each tells all others what is registered with it, and passes
//! messages on. Whoever proves that it knows the token is another router.
//!
//! Each has a line of its own to each other one, on which it alone tells; what comes back
//! only shows that somebody is there. A line that breaks is begun anew, with all of it.

mod incoming;
mod line;
mod post;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use meshworker_gossip::{Limits, Word};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep_until};
use tokio_util::codec::LengthDelimitedCodec;
use tracing::{debug, warn};

use super::Unusable;
use super::hub::Hub;
use super::settings::Sharing;
use crate::http::Entrance;
use crate::proof::{Call, Door};
use crate::witness::Whereabouts;
use line::Line;

pub(super) use post::{BYTES as WAITING, Post};

/// So often the routers' name is asked for.
const LOOK: Duration = Duration::from_secs(2);

/// Whoever is there says something so often.
const ALIVE: Duration = Duration::from_millis(500);

/// Whoever has said nothing for so long is not there.
const SILENT: Duration = Duration::from_secs(3);

/// What one router has to do with all others.
pub(super) struct Share {
    entrance: Entrance,
    place: Whereabouts,
    port: u16,
    call: Arc<Call>,
    hub: Arc<Hub>,
}

impl Share {
    /// Listens for other routers.
    ///
    /// # Errors
    ///
    /// The settings cannot be used.
    pub(super) fn bind(sharing: &Sharing, hub: Arc<Hub>) -> Result<Share, Unusable> {
        let Sharing {
            listen,
            token_file,
            routers,
            dns,
        } = sharing;
        let place = Whereabouts::new(routers, dns.clone())
            .map_err(|why| Unusable::Routers(format!("found '{routers}': {why}")))?;
        let door = Door::of(token_file.clone())?.among_workers();
        // Whoever listens at one address speaks from it, so that others know it by that.
        let own = Some(listen.ip()).filter(|own| !own.is_unspecified());
        let entrance = Entrance::bind(*listen, Arc::new(door), "gossip router")
            .map_err(|why| Unusable::Listen("gossip-share-listen", *listen, why))?;
        Ok(Share {
            entrance,
            place,
            port: listen.port(),
            call: Arc::new(Call::new(token_file.clone(), own).among_workers()),
            hub,
        })
    }

    /// Hears the others, and tells them, for ever.
    pub(super) async fn run(&self) {
        let hub = Arc::clone(&self.hub);
        let hear = move |stream, peer| {
            let hub = Arc::clone(&hub);
            async move { incoming::hear(stream, peer, &hub).await }
        };
        tokio::join!(self.entrance.run(hear), self.seek());
    }

    /// Keeps a line to each address that the routers' name stands for.
    async fn seek(&self) {
        let mut lines = BTreeMap::<IpAddr, AbortHandle>::new();
        let mut running = JoinSet::new();
        let mut next = Instant::now();
        let mut told = String::new();
        loop {
            tokio::select! {
                () = sleep_until(next) => {}
                Some(_) = running.join_next() => continue,
            }
            next = Instant::now() + LOOK;
            let found = self.place.look().await;
            if found.addresses.is_empty() {
                // That nobody is found is nobody's absence.
                if found.why != told {
                    debug!("no gossip router is found by its name: {}", found.why);
                    told = found.why;
                }
                continue;
            }
            let most = Limits::default().routers;
            if found.addresses.len() > most {
                warn!("more gossip routers than can share: the first {most} do");
            }
            let found: Vec<IpAddr> = found.addresses.into_iter().take(most).collect();
            lines.retain(|address, line| {
                let stays = found.contains(address);
                if !stays {
                    line.abort();
                }
                stays
            });
            for address in found {
                lines.entry(address).or_insert_with(|| {
                    let (call, hub) = (Arc::clone(&self.call), Arc::clone(&self.hub));
                    let line = Line::new((address, self.port).into(), call, hub);
                    running.spawn(line.keep())
                });
            }
        }
    }
}

/// How words are told apart.
fn codec() -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder()
        .max_frame_length(Word::LONGEST)
        .new_codec()
}
