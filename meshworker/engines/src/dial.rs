//! How long a node is dialled.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout_at};

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
