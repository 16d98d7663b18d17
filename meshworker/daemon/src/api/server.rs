//! Connections: how many, and for how long.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tracing::{debug, info, warn};

use super::Lease;

/// So many connections at a time; others wait in the kernel. Each takes one
/// request, so they serve thousands of members a second, and with all the
/// memory that each may take they stay under 20 MB.
const CONNECTIONS: usize = 256;

/// The head of a request, in bytes. A token and what clients add fit well.
const HEAD: usize = 16 * 1024;

/// So many bytes may wait in the kernel for a reader that is slow. Left alone it
/// takes megabytes for each.
const SENT: u32 = 64 * 1024;

/// So many connections wait in the kernel for a place.
const BACKLOG: u32 = 1024;

/// What has begun when the process is told to stop gets this long.
const LAST: Duration = Duration::from_secs(1);

/// The pause after a connection that could not be accepted: without descriptors
/// the next one cannot be either.
const RECOVER: Duration = Duration::from_millis(100);

/// What a connection holds for as long as it lives, or until it is a stream's.
type Place = Option<OwnedSemaphorePermit>;

/// Who sent a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// A listening server.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
    purpose: &'static str,
    tls: Option<TlsAcceptor>,
}

impl Server {
    /// Listens for this purpose, and answers nobody yet.
    ///
    /// # Errors
    ///
    /// The address cannot be listened at.
    pub async fn bind(
        address: SocketAddr,
        router: Router,
        purpose: &'static str,
    ) -> io::Result<Server> {
        let listener = listener(address)?;
        Ok(Server {
            address: listener.local_addr()?,
            listener,
            router,
            purpose,
            tls: None,
        })
    }

    /// The same, encrypted.
    pub fn with_tls(self, tls: Option<TlsAcceptor>) -> Server {
        Server { tls, ..self }
    }

    /// Where it listens: the port that was found when none was given.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stop` becomes true, and finishes what has begun.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        info!(address = %self.address, tls = self.tls.is_some(), "listening for {}", self.purpose);
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                Some(_) = connections.join_next() => {}
                (place, stream, peer) = self.next(&places) => {
                    let router = self.router.clone();
                    let tls = self.tls.clone();
                    connections.spawn(async move {
                        serve(stream, peer.ip(), router, tls, Lease::on(place)).await;
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

/// Every connection inherits what is set here.
fn listener(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.set_send_buffer_size(SENT)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Answers the one request of a connection, for as long as its lease allows.
async fn serve(
    stream: TcpStream,
    peer: IpAddr,
    router: Router,
    tls: Option<TlsAcceptor>,
    lease: Lease,
) {
    let router = router.layer(Extension(Peer(peer.to_canonical())));
    let router = router.layer(Extension(lease.clone()));
    let answered = async {
        match tls {
            None => answer(stream, router).await,
            Some(tls) => match tls.accept(stream).await {
                Ok(stream) => answer(stream, router).await,
                Err(error) => Err(error.to_string()),
            },
        }
    };
    tokio::select! {
        answered = answered => match answered {
            Ok(()) => {}
            Err(error) => debug!(%peer, "a connection broke: {error}"),
        },
        () = lease.over() => debug!(%peer, "a connection was cut: it took too long"),
    }
}

async fn answer<S>(stream: S, router: Router) -> Result<(), String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    http1::Builder::new()
        // Kept connections would keep others waiting for a place.
        .keep_alive(false)
        .max_buf_size(HEAD)
        // The lease is for all of it.
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .await
        .map_err(|error| error.to_string())
}
