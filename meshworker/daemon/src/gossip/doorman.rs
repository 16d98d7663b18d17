//! Where members come in.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use meshworker_gossip::End;
use rustix::net::sockopt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use super::connection::{Connection, FIRST};
use super::hub::Hub;
use super::settings::Settings;
use crate::http;

/// So many members may be in the middle of a long frame.
pub(super) const LONG: usize = 32;

/// The pause after a connection that could not be accepted: without descriptors
/// the next one cannot be either.
const RECOVER: Duration = Duration::from_millis(100);

/// A host that is gone is noticed after a minute, though its members said nothing and were
/// told nothing.
const IDLE: Duration = Duration::from_secs(30);
const BETWEEN: Duration = Duration::from_secs(10);
const TRIES: u32 = 3;
/// In milliseconds.
const UNCONFIRMED: u32 = 60_000;

/// Listens for members; every connection inherits what is set here.
pub(super) fn listener(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = http::listener(address)?;
    sockopt::set_socket_keepalive(&listener, true)?;
    sockopt::set_tcp_keepidle(&listener, IDLE)?;
    sockopt::set_tcp_keepintvl(&listener, BETWEEN)?;
    sockopt::set_tcp_keepcnt(&listener, TRIES)?;
    // Keep-alives rest while something sent is not confirmed.
    sockopt::set_tcp_user_timeout(&listener, UNCONFIRMED)?;
    Ok(listener)
}

/// Takes members in.
pub(super) struct Doorman {
    listener: TcpListener,
    hub: Arc<Hub>,
    settings: Arc<Settings>,
    long: Arc<Semaphore>,
}

impl Doorman {
    pub(super) fn new(listener: TcpListener, hub: Arc<Hub>, settings: Settings) -> Doorman {
        Doorman {
            listener,
            hub,
            settings: Arc::new(settings),
            long: Arc::new(Semaphore::new(LONG)),
        }
    }

    /// Takes in whoever comes, for ever.
    pub(super) async fn run(&self) {
        let mut connections = JoinSet::new();
        let mut full = false;
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                Some(_) = connections.join_next() => continue,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(why) => {
                    warn!("a member's connection could not be accepted: {why}");
                    sleep(RECOVER).await;
                    continue;
                }
            };
            let from = peer.ip().to_canonical();
            let entered = self.hub.enter(from);
            if entered.is_none() && !full {
                warn!(%peer, "no place for a member's connection: see gossip-connections");
            }
            full = entered.is_none();
            let Some((id, outbox)) = entered else {
                continue;
            };
            let connection = Connection {
                id,
                from,
                outbox,
                hub: Arc::clone(&self.hub),
                long: Arc::clone(&self.long),
                expiry: self.settings.expiry,
            };
            let settings = Arc::clone(&self.settings);
            connections.spawn(async move {
                let (hub, from, id) = (Arc::clone(&connection.hub), connection.from, connection.id);
                // Where this is cut off it is this router's doing.
                let mut leave = Leave {
                    hub,
                    from,
                    id,
                    how: End::Ours,
                };
                let (how, why) = serve(stream, connection, &settings).await;
                leave.how = how;
                debug!(%peer, "a member's connection ends: {why}");
            });
        }
    }
}

/// What must happen however a connection ends.
struct Leave {
    hub: Arc<Hub>,
    from: std::net::IpAddr,
    id: meshworker_gossip::ConnectionId,
    how: End,
}

impl Drop for Leave {
    fn drop(&mut self) {
        self.hub.ended(self.from, self.id, self.how);
    }
}

async fn serve(stream: TcpStream, connection: Connection, settings: &Settings) -> (End, String) {
    let _ = stream.set_nodelay(true);
    let Some(tls) = &settings.tls else {
        return connection.run(stream).await;
    };
    // What it takes is not kept free for connections without.
    let accepting = Box::pin(tls.acceptor().accept(stream));
    let outbox = Arc::clone(&connection.outbox);
    let accepted = tokio::select! {
        accepted = timeout(FIRST, accepting) => accepted,
        _ = outbox.next() => return (End::Ours, "others need its place".to_owned()),
    };
    match accepted {
        Ok(Ok(stream)) => Box::pin(connection.run(stream)).await,
        Ok(Err(why)) => (End::Lost, why.to_string()),
        Err(_) => (End::Lost, "no handshake in time".to_owned()),
    }
}
