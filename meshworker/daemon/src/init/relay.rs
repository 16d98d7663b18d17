//! Leads clients to the members that serve, while the own database is not started.
//!
//! ```text
//! client ──> own address ──> one that serves, and the next one where it does not listen
//! ```

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::debug;

use super::siblings::Siblings;

/// So many connections at a time. Who comes beyond waits for its turn: the kernel keeps
/// some, and refuses the others.
const MOST: usize = 1024;

/// One that serves is waited for so long; then the next one is tried.
const PATIENCE: Duration = Duration::from_secs(2);

/// After a failed accept: too many open files, and the like.
const PAUSE: Duration = Duration::from_secs(1);

/// Whom to lead a connection to, one after another: each connection begins with another
/// one.
fn turn(serving: &[IpAddr], number: usize) -> Vec<IpAddr> {
    let mut all = serving.to_vec();
    if let Some(first) = number.checked_rem(all.len()) {
        all.rotate_left(first);
    }
    all
}

/// Leads whoever connects here to the members that serve. Ends all connections when it is
/// dropped: then the own database listens here.
#[derive(Debug)]
pub(super) struct Relay {
    listener: TcpListener,
    port: u16,
    own: IpAddr,
    siblings: watch::Receiver<Siblings>,
}

impl Relay {
    /// Listens at this address; the others are at the same port.
    ///
    /// # Errors
    ///
    /// Somebody else does, or it may not.
    pub(super) async fn open(
        at: SocketAddr,
        siblings: watch::Receiver<Siblings>,
    ) -> io::Result<Relay> {
        Ok(Relay {
            listener: TcpListener::bind(at).await?,
            port: at.port(),
            own: at.ip(),
            siblings,
        })
    }

    /// For as long as it is polled.
    pub(super) async fn run(&self) {
        let mut led = JoinSet::new();
        let mut number = 0_usize;
        loop {
            tokio::select! {
                Some(_) = led.join_next() => {}
                accepted = self.listener.accept(), if led.len() < MOST => match accepted {
                    Ok((client, _)) => {
                        number = number.wrapping_add(1);
                        let serving = self.siblings.borrow().serving(self.own);
                        led.spawn(lead(client, turn(&serving, number), self.port));
                    }
                    Err(why) => {
                        debug!("a client was not accepted: {why}");
                        sleep(PAUSE).await;
                    }
                },
            }
        }
    }
}

/// Leads one client to the first of these that listens; it hears of nobody where none does.
async fn lead(mut client: TcpStream, to: Vec<IpAddr>, port: u16) {
    for address in to {
        let there = TcpStream::connect(SocketAddr::new(address, port));
        match timeout(PATIENCE, there).await {
            Ok(Ok(mut server)) => {
                // Small requests and small answers, each of which somebody waits for.
                let _ = (client.set_nodelay(true), server.set_nodelay(true));
                // What one side ends is ended to the other one; over when both have.
                let _ = copy_bidirectional(&mut client, &mut server).await;
                return;
            }
            Ok(Err(why)) => debug!("no client is led to {address}: {why}"),
            Err(_) => debug!("no client is led to {address}: no answer"),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::announce::Sibling;

    fn loopback(last: u8) -> IpAddr {
        IpAddr::from([127, 0, 47, last])
    }

    fn siblings(all: &[(u8, bool)]) -> Siblings {
        let all = all.iter().map(|(last, serves)| Sibling {
            slot: u64::from(*last),
            address: loopback(*last),
            serves: *serves,
        });
        Siblings::all(all.collect())
    }

    #[test]
    fn each_connection_begins_with_another_one() {
        let all = [1, 2, 3].map(loopback);
        assert_eq!(turn(&all, 4), [2, 3, 1].map(loopback));
        assert_eq!(turn(&all, 6), all);
        assert!(turn(&[], 6).is_empty());
    }

    /// Says who it is to whoever says something.
    async fn serve(address: IpAddr, port: u16) -> TcpListener {
        TcpListener::bind(SocketAddr::new(address, port))
            .await
            .unwrap()
    }

    async fn says_who_it_is(listener: TcpListener, who: u8) {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                while client.read_u8().await.is_ok() {
                    client.write_u8(who).await.unwrap();
                }
            });
        }
    }

    #[tokio::test]
    async fn a_spare_leads_clients_to_who_serves_now_and_ends_with_its_turn() {
        let first = serve(loopback(1), 0).await;
        let port = first.local_addr().unwrap().port();
        let second = serve(loopback(2), port).await;
        tokio::spawn(says_who_it_is(first, 1));
        tokio::spawn(says_who_it_is(second, 2));
        // Nobody listens at 3, and 4 is this one: both are passed over.
        let (tells, told) =
            watch::channel(siblings(&[(1, true), (2, false), (3, true), (4, true)]));
        let at = SocketAddr::new(loopback(4), port);
        let relay = Relay::open(at, told).await.unwrap();
        let running = tokio::spawn(async move { relay.run().await });
        let ask = async |stream: &mut TcpStream| {
            stream.write_u8(0).await.unwrap();
            stream.read_u8().await
        };
        let mut kept = TcpStream::connect(at).await.unwrap();
        for _ in 0..4 {
            let mut client = TcpStream::connect(at).await.unwrap();
            assert_eq!(ask(&mut client).await.unwrap(), 1);
            assert_eq!(ask(&mut kept).await.unwrap(), 1);
        }
        // The list changes, and no connection ends with that.
        tells.send_replace(siblings(&[(1, false), (2, true)]));
        let mut client = TcpStream::connect(at).await.unwrap();
        assert_eq!(ask(&mut client).await.unwrap(), 2);
        assert_eq!(ask(&mut kept).await.unwrap(), 1);
        // Nobody serves: the client is told by the end.
        tells.send_replace(siblings(&[]));
        let mut client = TcpStream::connect(at).await.unwrap();
        assert!(client.read_u8().await.is_err());
        running.abort();
        assert!(running.await.is_err());
        assert!(ask(&mut kept).await.is_err());
        // The own database listens there from now on.
        serve(loopback(4), port).await;
    }
}
