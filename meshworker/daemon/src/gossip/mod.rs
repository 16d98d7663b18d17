//! The gossip router for JGroups: what it needs of the world. What is said and what follows
//! from it stands in [`meshworker_gossip`].
//!
//! ```text
//! members ──> Doorman ──> connection ──> Hub ──> Outbox ──> connection      of this router
//!                                         ^└──> Line ──> other routers      found by their DNS name
//!                       other routers ──> Entrance
//! ```

mod answers;
mod connection;
mod doorman;
mod hub;
mod outbox;
mod settings;
mod share;

#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use meshworker_gossip::LONGEST;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::{Duration, interval, timeout};
use tracing::info;

use crate::http;
use crate::kept::kept;
use doorman::Doorman;
use share::Share;

pub use hub::Hub;
pub use settings::{Settings, Sharing};

/// Between two looks for what lost routers had.
const TIDY: Duration = Duration::from_secs(1);

/// What is said last gets this long.
const LAST: Duration = Duration::from_millis(250);

/// Unless told otherwise so many members may be connected.
pub(crate) const MEMBERS: usize = 4096;

/// What their connections take at the most, in bytes, in the program and in the kernel.
pub(crate) const CONNECTIONS: usize = MEMBERS * (http::UNASKED + connection::A_CONNECTION);

/// What is here of long frames that are not whole; each is copied once as it grows.
pub(crate) const FRAMES: usize = doorman::LONG * 2 * LONGEST;

/// A registration with the longest name and the most addresses, with its place among all
/// others and in an answer to each generation.
const A_REGISTRATION: usize = 5 << 9;

/// All registrations.
pub(crate) const REGISTRATIONS: usize = 16_384 * A_REGISTRATION;

/// Answers that are under way, and messages.
pub(crate) const SENT: usize = answers::UNDER_WAY + outbox::POSTED_TO_ALL;

/// What waits for other routers, at three of them.
pub(crate) const LINES: usize = 3 * share::WAITING;

/// A gossip router that listens.
pub struct Gossip {
    hub: Arc<Hub>,
    listener: TcpListener,
    settings: Settings,
    share: Option<Share>,
}

/// No router can be made of these settings.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It cannot listen there.
    #[error("{0}: {1}: {2}")]
    Listen(&'static str, SocketAddr, io::Error),
    /// What other routers are known by cannot be used.
    #[error("gossip-token-file: {0}")]
    Token(#[from] crate::token_file::TokenFileError),
    /// Their name can be none.
    #[error("gossip-routers: {0}")]
    Routers(String),
}

impl Gossip {
    /// Listens, and answers nobody yet.
    ///
    /// # Errors
    ///
    /// The settings cannot be used.
    pub fn bind(settings: Settings) -> Result<Gossip, Unusable> {
        let hub = Hub::new(settings.connections);
        let at = settings.listen;
        let listener = doorman::listener(at);
        let listener = listener.map_err(|why| Unusable::Listen("gossip-listen", at, why))?;
        let share = settings.share.as_ref();
        let share = share.map(|sharing| Share::bind(sharing, Arc::clone(&hub)));
        Ok(Gossip {
            hub,
            listener,
            share: share.transpose()?,
            settings,
        })
    }

    /// What it knows, for whoever asks.
    pub fn hub(&self) -> Arc<Hub> {
        Arc::clone(&self.hub)
    }

    /// Where it listens for members: the port that was found when none was given.
    ///
    /// # Errors
    ///
    /// The system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers members and other routers until `stop` becomes true.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let Gossip {
            hub,
            listener,
            settings,
            share,
        } = self;
        info!(
            address = %settings.listen, tls = settings.tls.is_some(), shares = share.is_some(),
            "listening for members of JGroups"
        );
        let doorman = Doorman::new(listener, Arc::clone(&hub), settings);
        let working = async {
            tokio::select! {
                () = kept("listening for members of JGroups", || doorman.run()) => {}
                () = sharing(share.as_ref()) => {}
                () = tidying(&hub) => {}
            }
        };
        let mut working = pin!(working);
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => {}
            () = &mut working => {}
        }
        // Whoever is told that this ends suspects nobody, and comes to another router at once.
        hub.close_all("this router ends");
        let _ = timeout(LAST, working).await;
    }
}

async fn sharing(share: Option<&Share>) {
    match share {
        Some(share) => kept("sharing with other gossip routers", || share.run()).await,
        None => std::future::pending().await,
    }
}

async fn tidying(hub: &Hub) {
    let mut ticks = interval(TIDY);
    loop {
        ticks.tick().await;
        hub.tidy();
    }
}
