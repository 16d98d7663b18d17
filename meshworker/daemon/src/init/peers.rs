//! What the members' supervisors tell each other when no worker is there.
//!
//! ```text
//! supervisor A ── "I am leaving", each second ──> supervisor B
//!              <── "I am leaving", each second ──
//! ```
//!
//! Each is to the others what a worker is to all of them: it listens where a
//! worker would, with the same token. So each hears for itself when everybody
//! goes, whatever a name server says or does not say. Nobody is let go by another
//! supervisor: the answers are not read.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, stream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tracing::warn;

use crate::announce::client::Client;
use crate::announce::{Announcement, Desk, Registration, Registry, Speaker, State, router};
use crate::http::Server;
use crate::kept::kept;
use crate::proof::Door;
use crate::token_file::TokenFile;

/// Between two announcements.
const PAUSE: Duration = Duration::from_secs(1);

/// How many others are told at once.
const AT_ONCE: usize = 64;

/// This member, and where the others are told of it.
#[derive(Debug, Clone)]
pub(super) struct Mine {
    /// What it says of itself.
    pub(super) said: Announcement,
    /// The port that workers listen at.
    pub(super) port: u16,
    /// The token that workers and members share.
    pub(super) token: TokenFile,
}

/// The other members' supervisors. They are spoken to for as long as this lives.
pub(super) struct Peers {
    own: Announcement,
    open: Registration,
    others: watch::Sender<BTreeSet<IpAddr>>,
    _tasks: JoinSet<()>,
    _end: watch::Sender<bool>,
}

impl Peers {
    /// Begins to listen and to tell. A supervisor that cannot listen hears nobody,
    /// and holds nobody up.
    pub(super) async fn open(own: Mine) -> Peers {
        let Mine { said, port, token } = own;
        let registry = Registry::new();
        let open = registry.open(&said.cluster);
        let mut tasks = JoinSet::new();
        let (end, ended) = watch::channel(false);
        match listen(SocketAddr::new(said.address, port), &token, registry).await {
            // It keeps itself.
            Ok(server) => {
                tasks.spawn(server.run(ended));
            }
            Err(why) => warn!("the other members cannot be heard: {why}"),
        }
        let (others, known) = watch::channel(BTreeSet::new());
        let own = said.clone();
        tasks.spawn(async move {
            let tell = || tell(own.clone(), port, token.clone(), known.clone());
            kept("telling the other members", tell).await;
        });
        Peers {
            own: said,
            open,
            others,
            _tasks: tasks,
            _end: end,
        }
    }

    /// Where the others announce themselves.
    pub(super) fn desk(&self) -> &Arc<Desk> {
        self.open.desk()
    }

    /// Says there what this member says of itself.
    pub(super) fn say_own(&self) {
        // Nobody can have taken all places of a desk that nobody else knew.
        let _ = self.desk().hear(&self.own, Speaker::Itself, Instant::now());
    }

    /// Tells whoever is at these addresses from now on.
    pub(super) fn know(&self, others: BTreeSet<IpAddr>) {
        self.others.send_replace(others);
    }
}

async fn listen(
    at: SocketAddr,
    token: &TokenFile,
    registry: Arc<Registry>,
) -> Result<Server, String> {
    let door = Door::of(token.clone()).map_err(|why| format!("token-file: {why}"))?;
    let state = State { registry };
    let server = Server::bind(at, router(state), "the other members").await;
    let server = server.map_err(|why| format!("{at}: {why}"))?;
    Ok(server.with_proof(Arc::new(door)))
}

async fn tell(
    said: Announcement,
    port: u16,
    token: TokenFile,
    others: watch::Receiver<BTreeSet<IpAddr>>,
) {
    let client = Client::new(token, Some(said.address));
    loop {
        let known = others.borrow().clone();
        // Who does not listen does not leave alone: nothing follows from that.
        let posts: Vec<_> = known
            .into_iter()
            .map(|other| told(SocketAddr::new(other, port), &client, &said).boxed())
            .collect();
        let mut posts = stream::iter(posts).buffer_unordered(AT_ONCE);
        while posts.next().await.is_some() {}
        sleep(PAUSE).await;
    }
}

/// Tells one of them. Who does not hear it now hears it in a second.
async fn told(other: SocketAddr, client: &Client, said: &Announcement) {
    let _ = client.post(other, said).await;
}
