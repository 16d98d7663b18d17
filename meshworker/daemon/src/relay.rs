//! Leading connections on to somebody else: plain TCP, whatever is said over it. Bounded,
//! and the same for a spare of a database and for the proxy.

use std::net::SocketAddr;
use std::time::Duration;

use rustix::net::sockopt;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::debug;

/// So many connections at a time. Who comes beyond waits for its turn: the kernel keeps
/// some, and refuses the others.
const MOST: usize = 1024;

/// One that serves is waited for so long; then the next one is tried.
const PATIENCE: Duration = Duration::from_secs(2);

/// After a failed accept: too many open files, and the like.
const PAUSE: Duration = Duration::from_secs(1);

/// A side that says nothing for so long is asked whether it is there: one whose machine is
/// gone would keep its place for ever.
const SILENCE: Duration = Duration::from_secs(60);

/// Whom to lead a connection to, one after another: each connection begins with another
/// one.
pub(crate) fn turn<T>(mut all: Vec<T>, number: usize) -> Vec<T> {
    if let Some(first) = number.checked_rem(all.len()) {
        all.rotate_left(first);
    }
    all
}

/// Has each connection that comes here led, together with its number, for as long as it is
/// polled. All end when this does.
pub(crate) async fn doorway<F>(listener: &TcpListener, mut lead: impl FnMut(TcpStream, usize) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut led = JoinSet::new();
    let mut number = 0_usize;
    loop {
        tokio::select! {
            Some(_) = led.join_next() => {}
            accepted = listener.accept(), if led.len() < MOST => match accepted {
                Ok((client, _)) => {
                    number = number.wrapping_add(1);
                    led.spawn(lead(client, number));
                }
                Err(why) => {
                    debug!("a client was not accepted: {why}");
                    sleep(PAUSE).await;
                }
            },
        }
    }
}

/// A connection to the first of these that listens, and which it is. May be cancelled.
pub(crate) async fn first(to: &[SocketAddr]) -> Option<(TcpStream, SocketAddr)> {
    for at in to {
        match timeout(PATIENCE, TcpStream::connect(at)).await {
            Ok(Ok(server)) => return Some((server, *at)),
            Ok(Err(why)) => debug!("no client is led to {at}: {why}"),
            Err(_) => debug!("no client is led to {at}: no answer"),
        }
    }
    None
}

/// Carries what either side says to the other one, until both have ended. May be cancelled:
/// both are cut then.
pub(crate) async fn carry(mut client: TcpStream, mut server: TcpStream) {
    for side in [&client, &server] {
        // Small requests and small answers, each of which somebody waits for.
        let _ = side.set_nodelay(true);
        let _ = sockopt::set_socket_keepalive(side, true);
        let _ = sockopt::set_tcp_keepidle(side, SILENCE);
    }
    // What one side ends is ended to the other one; over when both have.
    let _ = copy_bidirectional(&mut client, &mut server).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_connection_begins_with_another_one() {
        assert_eq!(turn(vec![1, 2, 3], 4), [2, 3, 1]);
        assert_eq!(turn(vec![1, 2, 3], 6), [1, 2, 3]);
        assert!(turn(Vec::<u8>::new(), 6).is_empty());
    }
}
