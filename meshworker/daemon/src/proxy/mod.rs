//! Leads clients to the member that has a role: plain TCP, whatever is said over it.
//!
//! ```text
//! workers ── the cluster's status, whenever it changes ──> Feed ──> Route
//!                                                                    │
//! client ──> Door (writes) ── held while there is no primary ──> primary
//! client ──> Door (reads)  ─────────────────────────────────> a replica that is not behind
//! ```
//!
//! It knows no database and decides nothing: who is the primary, the workers say. A write
//! connection to whoever is it no more is cut, once another one is.

mod door;
mod feed;
mod route;

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing::info;

use crate::client::Access;
use door::Door;
use feed::Feed;
use route::{Kind, Route};

/// A proxy's settings.
#[derive(Debug, Clone)]
pub struct Proxy {
    /// Where the workers are.
    pub access: Access,
    /// Which of their clusters; none for the only one.
    pub cluster: Option<String>,
    /// Where clients that write come; none for nowhere.
    pub write: Option<SocketAddr>,
    /// Where clients that only read come; none for nowhere.
    pub read: Option<SocketAddr>,
    /// The members' port; none for their database's usual one.
    pub port: Option<u16>,
    /// So long a client is held while there is nobody to lead it to.
    pub wait: Duration,
}

impl Proxy {
    /// Leads clients for as long as it is polled: all connections end when it does.
    ///
    /// # Errors
    ///
    /// An address cannot be listened at: it is named.
    pub async fn run(self) -> Result<(), String> {
        let (tells, route) = watch::channel(Route::default());
        let mut doors = Vec::new();
        for (name, kind, at) in [
            ("write", Kind::Write, self.write),
            ("read", Kind::Read, self.read),
        ] {
            let Some(at) = at else { continue };
            let listener = TcpListener::bind(at).await;
            let listener = listener.map_err(|why| format!("{name}: found {at}: {why}"))?;
            info!("clients that {name} come to {at}");
            doors.push(Door {
                listener,
                kind,
                route: route.clone(),
                wait: self.wait,
            });
        }
        let feed = Feed {
            access: self.access,
            cluster: self.cluster,
            port: self.port,
            tells,
        };
        let doors = futures_util::future::join_all(doors.iter().map(Door::run));
        tokio::join!(feed.run(), doors);
        Ok(())
    }
}
