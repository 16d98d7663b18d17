//! Where clients come, and how each of them is led.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tracing::debug;

use super::route::{Kind, Route};
use crate::relay::{carry, doorway, first, turn};

/// Whoever is to be led to does not listen, and nobody says otherwise: tried again after
/// this.
const AGAIN: Duration = Duration::from_millis(50);

/// Between two looks whether a client that is held is still there: it says nothing first,
/// as a rule, so its end alone is heard.
const STILL_THERE: Duration = Duration::from_millis(500);

/// Where clients of one kind come.
pub(super) struct Door {
    pub(super) listener: TcpListener,
    pub(super) kind: Kind,
    pub(super) route: watch::Receiver<Route>,
    /// So long one is held while there is nobody to lead it to.
    pub(super) wait: Duration,
}

impl Door {
    /// For as long as it is polled.
    pub(super) async fn run(&self) {
        doorway(&self.listener, |client, number| {
            lead(client, number, self.kind, self.route.clone(), self.wait)
        })
        .await;
    }
}

/// Leads one client to whoever has the role now, or holds it until somebody has; until it
/// ends, or is cut.
async fn lead(
    client: TcpStream,
    number: usize,
    kind: Kind,
    mut route: watch::Receiver<Route>,
    wait: Duration,
) {
    let found = tokio::select! {
        found = timeout(wait, find(number, kind, &mut route)) => found.ok(),
        () = gone(&client) => return,
    };
    let Some((server, to)) = found else {
        debug!("a client was held for {wait:?}, and there is nobody to lead it to");
        return;
    };
    tokio::select! {
        () = carry(client, server) => {}
        () = cut(kind, to, &mut route) => debug!("a client of {to} is cut: that is not it any more"),
    }
}

/// A connection to whoever has the role, once somebody has and listens.
async fn find(
    number: usize,
    kind: Kind,
    route: &mut watch::Receiver<Route>,
) -> (TcpStream, SocketAddr) {
    loop {
        let to = turn(route.borrow_and_update().to(kind), number);
        // A server that is cut off would keep it from the next one.
        let mut changed = route.clone();
        tokio::select! {
            found = first(&to) => match found {
                Some(found) => return found,
                None => tokio::select! {
                    () = sleep(AGAIN) => {}
                    () = changes(route) => {}
                },
            },
            () = changes(&mut changed) => {}
        }
    }
}

/// Once a client that was led there is to be cut.
async fn cut(kind: Kind, led: SocketAddr, route: &mut watch::Receiver<Route>) {
    while !route.borrow_and_update().cuts(kind, led) {
        changes(route).await;
    }
}

/// Once this is not what it was when it was looked at last; never, where nobody tells any
/// more.
async fn changes(route: &mut watch::Receiver<Route>) {
    if route.changed().await.is_err() {
        std::future::pending().await
    }
}

/// Once this client has ended its side.
async fn gone(client: &TcpStream) {
    let mut said = [0];
    while client.peek(&mut said).await.is_ok_and(|there| there > 0) {
        sleep(STILL_THERE).await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::super::route::tests::status;
    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    async fn heard(client: &mut TcpStream) -> std::io::Result<u8> {
        let heard = timeout(LONG, client.read_u8()).await;
        heard.expect("neither a word nor the end")
    }

    /// Says who it is to whoever comes, as database servers do.
    async fn serve(who: u8) -> SocketAddr {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let at = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let mut kept = Vec::new();
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                client.write_u8(who).await.unwrap();
                kept.push(client);
            }
        });
        at
    }

    /// A route to loopback: 10.0.0.N of `status` stands for a port.
    fn route(primary: Option<SocketAddr>, replicas: &[SocketAddr]) -> Route {
        let member = |at: &SocketAddr, primary| {
            let mut one = status(&[(1, primary, 1, None)]).members.remove(0);
            one.address = at.to_string();
            one
        };
        let mut all = status(&[]);
        all.members
            .extend(primary.iter().map(|at| member(at, true)));
        all.members
            .extend(replicas.iter().map(|at| member(at, false)));
        Route::of(&all, None)
    }

    async fn open(kind: Kind, wait: Duration) -> (SocketAddr, watch::Sender<Route>) {
        let (tells, route) = watch::channel(Route::default());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let at = listener.local_addr().unwrap();
        let door = Door {
            listener,
            kind,
            route,
            wait,
        };
        tokio::spawn(async move { door.run().await });
        (at, tells)
    }

    #[tokio::test]
    async fn a_client_is_held_until_there_is_a_primary_and_cut_once_it_is_another_one() {
        let (first, second) = (serve(1).await, serve(2).await);
        let (door, tells) = open(Kind::Write, LONG).await;
        let mut held = TcpStream::connect(door).await.unwrap();
        tells.send_replace(route(Some(first), &[second]));
        assert_eq!(heard(&mut held).await.unwrap(), 1);
        // Nobody knows who is primary: what is open stays open, what comes is held.
        tells.send_replace(route(None, &[second]));
        let mut next = TcpStream::connect(door).await.unwrap();
        tells.send_replace(route(Some(second), &[]));
        assert_eq!(heard(&mut next).await.unwrap(), 2);
        assert!(heard(&mut held).await.is_err(), "not cut");
        tells.send_replace(route(Some(second), &[first]));
        next.write_u8(0).await.unwrap();
    }

    #[tokio::test]
    async fn a_client_is_held_while_the_primary_does_not_listen_yet() {
        let server = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let at = server.local_addr().unwrap();
        drop(server);
        let (door, tells) = open(Kind::Write, LONG).await;
        tells.send_replace(route(Some(at), &[]));
        let mut held = TcpStream::connect(door).await.unwrap();
        let server = TcpListener::bind(at).await.unwrap();
        let (mut led, _) = server.accept().await.unwrap();
        led.write_u8(7).await.unwrap();
        assert_eq!(heard(&mut held).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn whoever_was_held_for_long_is_told_by_the_end_and_who_goes_keeps_no_place() {
        let (door, tells) = open(Kind::Write, Duration::from_millis(1)).await;
        let mut held = TcpStream::connect(door).await.unwrap();
        assert!(heard(&mut held).await.is_err());
        drop(tells);
        let (_, route) = watch::channel(Route::default());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let (accepted, _) = listener.accept().await.unwrap();
        let led = tokio::spawn(lead(accepted, 1, Kind::Write, route, LONG * 1000));
        drop(client);
        tokio::time::timeout(LONG, led)
            .await
            .expect("it keeps its place")
            .unwrap();
    }

    #[tokio::test]
    async fn readers_are_spread_over_the_replicas() {
        let (first, second, third) = (serve(1).await, serve(2).await, serve(3).await);
        let (door, tells) = open(Kind::Read, LONG).await;
        tells.send_replace(route(Some(first), &[second, third]));
        let mut who = Vec::new();
        for _ in 0..4 {
            let mut client = TcpStream::connect(door).await.unwrap();
            who.push(heard(&mut client).await.unwrap());
        }
        who.sort_unstable();
        assert_eq!(who, [2, 2, 3, 3]);
    }
}
