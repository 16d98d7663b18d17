//! How a node is dialled, and how long.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use meshworker_core::{Place, Unanswered};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout_at};

use crate::{Access, tls};

/// Which part of a request's time is enough to connect.
///
/// Members are neighbours: a connection takes milliseconds, whatever the
/// database is busy with, because the system accepts it. A container whose
/// network is not up yet answers nothing at all, and the system asks it a second
/// time only after a second. To wait for that would keep the whole look waiting;
/// the next look dials anew, and much sooner.
const SHARE: u32 = 8;

/// So many bytes of a reply may wait in the kernel, which takes twice the room. Left
/// alone it takes megabytes for each node that sends what nobody asked for.
pub(crate) const UNREAD: u32 = 16 * 1024;

/// Connects to a node. A request may take `whole`, and this one ends at
/// `deadline`.
///
/// # Errors
///
/// Nobody listens there, or nothing was heard for an eighth of that time.
pub async fn dial(place: SocketAddr, whole: Duration, deadline: Instant) -> io::Result<TcpStream> {
    let patience = whole / SHARE;
    let until = deadline.min(Instant::now() + patience);
    let socket = match place {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_recv_buffer_size(UNREAD)?;
    match timeout_at(until, socket.connect(place)).await {
        Ok(connected) => connected,
        Err(_) => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("no connection within {patience:?}"),
        )),
    }
}

/// A connection, encrypted or not.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Connects to a node as its cluster is reached, encrypted where that is configured.
///
/// # Errors
///
/// Nobody listens there, or it is not encrypted as it should be.
pub(crate) async fn open(
    access: &Access,
    place: Place,
    deadline: Instant,
) -> Result<Box<dyn Stream>, Unanswered> {
    let socket = place.socket(access.service_port);
    let stream = (dial(socket, access.deadline, deadline).await)
        .map_err(|why| Unanswered::Unreachable(why.to_string()))?;
    let Some(tls) = &access.tls else {
        return Ok(Box::new(stream));
    };
    let denied = |why: tls::TlsError| Unanswered::Denied(why.to_string());
    let name = tls::expected_name(tls, place.address).map_err(denied)?;
    let connector = tls::connector(tls).map_err(denied)?;
    match connector.connect(name, stream).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(why) => Err(Unanswered::Garbage(tls::failed(tls, &why))),
    }
}
