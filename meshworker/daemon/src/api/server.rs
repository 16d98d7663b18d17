//! Connections: how many, and for how long.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

/// So many connections at a time; others wait in the kernel. Each takes one
/// request, so they serve thousands of members a second, and with all the
/// memory that each may take they stay under 20 MB.
const CONNECTIONS: usize = 256;

/// A connection is cut after this time, whatever it is doing: an answer takes
/// milliseconds, and a client that sends half of a head or a body, or does not
/// read, is not to keep a place for ever.
const DEADLINE: Duration = Duration::from_secs(5);

/// The head of a request, in bytes. A token and what clients add fit well.
const HEAD: usize = 16 * 1024;

/// What has begun when the process is told to stop gets this long.
const LAST: Duration = Duration::from_secs(1);

/// The pause after a connection that could not be accepted: without descriptors
/// the next one cannot be either.
const RECOVER: Duration = Duration::from_millis(100);

/// What a connection holds for as long as it lives.
type Place = Option<OwnedSemaphorePermit>;

/// Who sent a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// A listening server.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
}

impl Server {
    /// Listens, and answers nobody yet.
    ///
    /// # Errors
    ///
    /// The address cannot be listened at.
    pub async fn bind(address: SocketAddr, router: Router) -> io::Result<Server> {
        let listener = TcpListener::bind(address).await?;
        Ok(Server {
            address: listener.local_addr()?,
            listener,
            router,
        })
    }

    /// Where it listens: the port that was found when none was given.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stop` becomes true, and finishes what has begun.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        info!(address = %self.address, "listening for announcements");
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                Some(_) = connections.join_next() => {}
                (place, stream, peer) = self.next(&places) => {
                    let router = self.router.clone();
                    connections.spawn(async move {
                        let _place = place;
                        answer(stream, peer.ip(), router).await;
                    });
                }
            }
        }
        drop(self.listener);
        let rest = async { while connections.join_next().await.is_some() {} };
        if timeout(LAST, rest).await.is_err() {
            connections.shutdown().await;
        }
    }

    /// The next connection, once there is a place for it. May be cancelled.
    async fn next(&self, places: &Arc<Semaphore>) -> (Place, TcpStream, SocketAddr) {
        // Never closed.
        let place = Arc::clone(places).acquire_owned().await.ok();
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => return (place, stream, peer),
                Err(error) => {
                    warn!("a connection could not be accepted: {error}");
                    sleep(RECOVER).await;
                }
            }
        }
    }
}

/// Answers the one request of a connection.
async fn answer(stream: TcpStream, peer: IpAddr, router: Router) {
    let router = router.layer(Extension(Peer(peer.to_canonical())));
    let connection = http1::Builder::new()
        // Kept connections would keep others waiting for a place.
        .keep_alive(false)
        .max_buf_size(HEAD)
        // The deadline below is for all of it.
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    match timeout(DEADLINE, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => debug!(%peer, "a connection broke: {error}"),
        Err(_) => debug!(%peer, "a connection was cut: it took too long"),
    }
}
