//! Connections: how many, and for how long.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use futures_util::FutureExt;
use hyper::body::Body as _;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{debug, error, info, warn};

use super::body::MOST as BODY;
use super::certificate::Certificate;
use super::places::{self, PROVED, Places, STRANGERS, WAITING};
use super::{Lease, Problem};
use crate::kept::unless_it_breaks;
use crate::proof::Door;

/// The head of a request, in bytes. A token and what clients add fit well.
const HEAD: usize = 16 * 1024;

/// So many bytes may wait in the kernel for a reader that is slow. Left alone it
/// takes megabytes for each.
const SENT: u32 = 16 * 1024;

/// So many bytes may wait in the kernel for us: a head and a body come in a few pieces.
const UNREAD: u32 = 8 * 1024;

/// The kernel takes twice of either, for what it keeps besides.
const KERNEL: usize = 2;

/// What TLS keeps of both directions, and the tasks.
const AROUND: usize = 20 * 1024;

/// What the connections of one server take at the most, in bytes, in the program and in
/// the kernel: those with a place, with a head, a body and a small answer each; and
/// those that wait for one.
pub(crate) const CONNECTIONS: usize = BARE + (STRANGERS + PROVED) * (HEAD + BODY + places::SMALL);

/// What as many connections take on which nothing is asked yet.
pub(crate) const BARE: usize = (STRANGERS + PROVED) * (AROUND + KERNEL * (SENT + UNREAD) as usize)
    + WAITING * (2 * 1024 + KERNEL * UNREAD as usize);

/// What the kernel keeps of one connection.
pub(crate) const UNASKED: usize = KERNEL * (SENT + UNREAD) as usize;

/// The longer answers of one server that are under way; those that wait for it; and one
/// more, which is made.
pub(crate) const ANSWERS: usize = places::BYTES + (places::UNWEIGHED + 1) * (2 << 20);

/// What a reader of the stream of events takes, in bytes, in the program and in the
/// kernel. What it is to be told is shared with all others.
pub(crate) const A_STREAM: usize = HEAD + AROUND + KERNEL * (SENT + UNREAD) as usize;

/// So many connections wait in the kernel for a place.
const BACKLOG: u32 = 1024;

/// What has begun when the process is told to stop gets this long.
const LAST: Duration = Duration::from_secs(1);

/// The pause after a connection that could not be accepted: without descriptors
/// the next one cannot be either.
const RECOVER: Duration = Duration::from_millis(100);

/// What every answer says, unless it says something else of it: it is what it says
/// it is, and of this moment.
const ALWAYS: [(HeaderName, &str); 2] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "no-store"),
];

/// What the first byte of TLS is: a handshake (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 22;

/// Who sent a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// A listening server.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
    purpose: &'static str,
    wire: Wire,
}

/// What connections speak.
#[derive(Clone)]
enum Wire {
    Plain,
    Tls(Arc<Certificate>),
    /// TLS in which both sides prove that they know a token.
    Proof(Arc<Door>),
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
            wire: Wire::Plain,
        })
    }

    /// The same, encrypted.
    pub fn with_tls(self, tls: Option<Arc<Certificate>>) -> Server {
        let wire = tls.map_or(Wire::Plain, Wire::Tls);
        Server { wire, ..self }
    }

    /// The same, for those alone who prove that they know a token of this door.
    pub fn with_proof(self, door: Arc<Door>) -> Server {
        let wire = Wire::Proof(door);
        Server { wire, ..self }
    }

    /// Where it listens: the port that was found when none was given.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stop` becomes true, and finishes what has begun.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        info!(address = %self.address, tls = !matches!(self.wire, Wire::Plain), "listening for {}", self.purpose);
        let places = Arc::<Places>::default();
        let mut connections = JoinSet::new();
        let listening = format!("listening for {}", self.purpose);
        loop {
            let accepting = self.accept(&places, &mut connections, stop.clone());
            if unless_it_breaks(&listening, accepting).await.is_some() {
                break;
            }
        }
        drop(self.listener);
        let rest = async { while connections.join_next().await.is_some() {} };
        if timeout(LAST, rest).await.is_err() {
            connections.shutdown().await;
        }
    }

    /// Takes in connections until `stop` becomes true.
    async fn accept(
        &self,
        places: &Arc<Places>,
        connections: &mut JoinSet<()>,
        mut stop: watch::Receiver<bool>,
    ) {
        let mut tending = pin!(places.tend());
        loop {
            tokio::select! {
                () = &mut tending => {}
                _ = stop.wait_for(|stop| *stop) => return,
                Some(_) = connections.join_next() => {}
                (stream, peer) = self.next() => {
                    let (router, wire) = (self.router.clone(), self.wire.clone());
                    let (places, peer) = (Arc::clone(places), peer.ip().to_canonical());
                    connections.spawn(async move {
                        match places.enter(peer).await {
                            Some(place) => {
                                serve(stream, peer, router, wire, Lease::on(Some(place))).await;
                            }
                            None => {
                                debug!(%peer, "a connection was cut: too many wait");
                                if let Wire::Proof(door) = wire {
                                    door.refused(peer, &"too many connections wait for a place");
                                }
                            }
                        }
                    });
                }
            }
        }
    }

    /// The next connection. May be cancelled.
    async fn next(&self) -> (TcpStream, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok(next) => return next,
                Err(error) => {
                    warn!("a connection could not be accepted: {error}");
                    sleep(RECOVER).await;
                }
            }
        }
    }
}

/// Every connection inherits what is set here.
pub(crate) fn listener(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.set_send_buffer_size(SENT)?;
    socket.set_recv_buffer_size(UNREAD)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Answers the one request of a connection, for as long as its lease allows.
async fn serve(stream: TcpStream, peer: IpAddr, router: Router, wire: Wire, lease: Lease) {
    let router = router
        .layer(from_fn_with_state(lease.clone(), within))
        .layer(Extension(Peer(peer)))
        .layer(Extension(lease.clone()));
    // Whose proof is still awaited.
    let owes = match &wire {
        Wire::Proof(door) => Some(Arc::clone(door)),
        Wire::Plain | Wire::Tls(_) => None,
    };
    let owes = Mutex::new(owes);
    let judged = || owes.lock().unwrap_or_else(PoisonError::into_inner).take();
    let answered = async {
        let broken = |error: io::Error| error.to_string();
        match wire {
            Wire::Plain => answer(stream, router).await,
            Wire::Tls(tls) => {
                let stream = tls.acceptor().accept(stream).await.map_err(broken)?;
                answer(stream, router).await
            }
            Wire::Proof(door) => {
                let mut first = [0];
                if stream.peek(&mut first).await.map_err(broken)? == 0 {
                    judged();
                    door.refused(peer, &"it hangs up without a word");
                    return Ok(());
                }
                if first != [HANDSHAKE] {
                    judged();
                    door.refused(peer, &"it speaks plain HTTP");
                    let refusing = Router::new().fallback(plain);
                    let refusing = refusing.layer(from_fn_with_state(lease.clone(), within));
                    return answer(stream, refusing).await;
                }
                let tls = door.acceptor().ok_or("the tokens cannot be read")?;
                let stream = tls.accept(stream).await;
                judged();
                let stream = stream.inspect_err(|error| door.refused(peer, error));
                let stream = stream.map_err(broken)?;
                lease.prove();
                answer(stream, router).await
            }
        }
    };
    tokio::select! {
        // Whatever has come in time counts, however busy this machine is.
        biased;
        answered = answered => match answered {
            Ok(()) => {}
            Err(error) => debug!(%peer, "a connection broke: {error}"),
        },
        () = lease.over() => {
            debug!(%peer, "a connection was cut: it took too long");
            if let Some(door) = judged() {
                door.refused(peer, &"it has proved nothing when its time is over");
            }
        }
    }
}

/// Whoever speaks no TLS here has no token to show, or shows it to everybody.
async fn plain() -> Problem {
    Problem::bad(
        "tls: found plain HTTP; allowed: TLS 1.3 with a certificate that follows from the token, \
         as supervisors of this version speak it",
    )
}

/// Notes that the head has come, and keeps the answer within the budget of bytes.
async fn within(
    axum::extract::State(lease): axum::extract::State<Lease>,
    request: Request,
    next: Next,
) -> Response {
    lease.heard();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    // What an answer changes it changes in whole steps alone.
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let response = answered.unwrap_or_else(|_| {
        error!("answering {method} {path:?} broke, which is a bug");
        let error = "the answer broke, which is a bug of this worker: its log tells more";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error).into_response()
    });
    let mut response = weighed(&lease, response).await;
    for (name, value) in ALWAYS {
        let value = HeaderValue::from_static(value);
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}

/// The answer, once there is room for it among those that are under way.
async fn weighed(lease: &Lease, response: Response) -> Response {
    // A stream has no size, and a budget of its own.
    let Some(bytes) = response.body().size_hint().exact() else {
        return response;
    };
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    if lease.weigh(bytes).await {
        return response;
    }
    let error = "answers: found as many under way as there is memory for; allowed: fewer at a time";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, error).into_response()
}

async fn answer<S>(stream: S, router: Router) -> Result<(), String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    http1::Builder::new()
        // Kept connections would keep others waiting for a place.
        .keep_alive(false)
        .max_buf_size(HEAD)
        // Told in pieces, each event of a stream would keep its own room.
        .writev(false)
        // The lease is for all of it.
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .await
        .map_err(|error| error.to_string())
}
