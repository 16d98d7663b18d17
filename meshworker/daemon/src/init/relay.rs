//! Leads clients to the members that serve, while the own database is not started.
//!
//! ```text
//! client ──> own address ──> one that serves, and the next one where it does not listen
//! ```

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::siblings::Siblings;
use crate::relay::{carry, doorway, first, turn};

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
        doorway(&self.listener, |client, number| {
            let serving = self.siblings.borrow().serving(self.own);
            let to = serving.into_iter();
            let to: Vec<_> = to.map(|one| SocketAddr::new(one, self.port)).collect();
            lead(client, turn(to, number))
        })
        .await;
    }
}

/// Leads one client to the first of these that listens; it hears of nobody where none does.
async fn lead(client: TcpStream, to: Vec<SocketAddr>) {
    if let Some((server, _)) = first(&to).await {
        carry(client, server).await;
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
