//! Leading connections on to somebody else: plain TCP, whatever is said over it. Bounded,
//! and the same for a spare of a database and for the proxy.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustix::net::sockopt;
use rustix::process::{Resource, getrlimit};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::debug;

/// So many connections at a time. Who comes beyond waits for its turn: the kernel keeps
/// some, and refuses the others.
const MOST: usize = 1024;

/// What else is open here, and may be.
const OTHER_FILES: u64 = 64;

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

/// So many connections at a time where so many files may be open: each takes two.
fn most(files: Option<u64>) -> usize {
    let files = files.unwrap_or(u64::MAX).saturating_sub(OTHER_FILES);
    usize::try_from(files / 2).unwrap_or(MOST).clamp(2, MOST)
}

/// Has each connection that comes here led, together with its number, for as long as it is
/// polled. All end when this does. Nobody gets more than half of the places: who comes
/// beyond from one address is told by the end.
pub(crate) async fn doorway<F>(listener: &TcpListener, mut lead: impl FnMut(TcpStream, usize) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut led = JoinSet::new();
    let mut number = 0_usize;
    let most = most(getrlimit(Resource::Nofile).current);
    // As often as it is shared besides, so many connections are from there.
    let mut sources: BTreeMap<IpAddr, Arc<()>> = BTreeMap::new();
    loop {
        tokio::select! {
            Some(_) = led.join_next() => {}
            accepted = listener.accept(), if led.len() < most => match accepted {
                Ok((client, from)) => {
                    sources.retain(|_, one| Arc::strong_count(one) > 1);
                    let one = Arc::clone(sources.entry(from.ip()).or_default());
                    if Arc::strong_count(&one) > most / 2 + 1 {
                        debug!("{} has half of all connections: no more", from.ip());
                        continue;
                    }
                    number = number.wrapping_add(1);
                    let led_on = lead(client, number);
                    led.spawn(async move {
                        led_on.await;
                        drop(one);
                    });
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
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[test]
    fn no_more_connections_are_led_than_there_may_be_files() {
        let limits = [None, Some(1_048_576), Some(1024), Some(10)];
        assert_eq!(limits.map(most), [1024, 1024, 480, 2]);
    }

    /// One client took all places, and everybody else waited.
    #[tokio::test]
    async fn nobody_takes_all_places() {
        let listener = TcpListener::bind("127.0.47.20:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let greets = |mut client: TcpStream, _| async move {
            let _ = client.write_u8(1).await;
            let _ = client.read_u8().await;
        };
        tokio::spawn(async move { doorway(&listener, greets).await });
        let half = most(getrlimit(Resource::Nofile).current) / 2;
        let mut held = Vec::new();
        for _ in 0..half {
            let mut client = TcpStream::connect(at).await.unwrap();
            assert_eq!(client.read_u8().await.unwrap(), 1);
            held.push(client);
        }
        let mut beyond = TcpStream::connect(at).await.unwrap();
        assert!(beyond.read_u8().await.is_err());
        // Somebody else is led, and so is this one once it has let one go.
        let other = tokio::net::TcpSocket::new_v4().unwrap();
        other.bind(SocketAddr::from(([127, 0, 47, 21], 0))).unwrap();
        let mut other = other.connect(at).await.unwrap();
        assert_eq!(other.read_u8().await.unwrap(), 1);
        held.pop();
        loop {
            let mut again = TcpStream::connect(at).await.unwrap();
            if again.read_u8().await.is_ok() {
                break;
            }
        }
    }

    #[test]
    fn each_connection_begins_with_another_one() {
        assert_eq!(turn(vec![1, 2, 3], 4), [2, 3, 1]);
        assert_eq!(turn(vec![1, 2, 3], 6), [1, 2, 3]);
        assert!(turn(Vec::<u8>::new(), 6).is_empty());
    }
}
