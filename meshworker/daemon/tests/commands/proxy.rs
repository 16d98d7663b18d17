//! The proxy, led by a small worker.

use std::net::SocketAddr;
use std::time::Duration;

use meshworker::proxy::Proxy;
use meshworker::status::EventKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::client::access;
use crate::server::Server;
use crate::story::{self, event};

/// Longer than any of it takes on a busy machine.
const LONG: Duration = Duration::from_secs(60);

/// Says who it is to whoever comes.
async fn serve(who: u8) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut client, _)) = listener.accept().await {
            client.write_u8(who).await.unwrap();
            kept.push(client);
        }
    });
    at
}

/// Has the worker say that these members are primary, each in its term, and the others not.
fn tell(server: &Server, members: &[SocketAddr], primaries: &[(SocketAddr, u64)]) {
    server.world(|world| {
        let status = world.shown[0].status.as_mut().unwrap();
        status.members.truncate(members.len());
        for (member, at) in status.members.iter_mut().zip(members) {
            member.address = at.to_string();
            let view = member.view.as_mut().unwrap();
            let primary = primaries.iter().find(|(primary, _)| primary == at);
            view.primary = primary.is_some();
            view.term = primary.map(|(_, term)| *term);
            view.working = None;
        }
        let id = world.history.last().unwrap().id + 1;
        let text = "somebody has another role";
        let news = event(id, "21T03:11:01", EventKind::Member, None, text);
        world.history.push(news);
    });
}

/// An address that nobody else has meanwhile.
async fn free() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    listener.local_addr().unwrap()
}

async fn heard(client: &mut TcpStream) -> std::io::Result<u8> {
    timeout(LONG, client.read_u8())
        .await
        .expect("nothing is heard")
}

async fn come(at: SocketAddr) -> TcpStream {
    let come = async {
        loop {
            if let Ok(client) = TcpStream::connect(at).await {
                return client;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(LONG, come).await.expect("nobody listens")
}

#[tokio::test]
async fn clients_follow_the_primary_as_workers_tell_it() {
    let members = [serve(1).await, serve(2).await, serve(3).await];
    let server = Server::of(vec![story::calm()]);
    tell(&server, &members, &[]);
    let (write, read) = (free().await, free().await);
    let proxy = Proxy {
        access: access(&server.url()),
        cluster: None,
        write: Some(write),
        read: Some(read),
        port: None,
        wait: LONG,
    };
    tokio::select! {
        ended = proxy.run() => panic!("it ended: {ended:?}"),
        () = follow(&server, members, write, read) => {}
    }
}

async fn follow(server: &Server, members: [SocketAddr; 3], write: SocketAddr, read: SocketAddr) {
    let [first, second, third] = members;
    let mut writes = come(write).await;
    tell(server, &members, &[(first, 4)]);
    assert_eq!(heard(&mut writes).await.unwrap(), 1);
    let mut reads = come(read).await;
    assert_ne!(heard(&mut reads).await.unwrap(), 1);

    // It hung, and is back: another one is primary since.
    tell(server, &members, &[(first, 4), (second, 5)]);
    assert!(heard(&mut writes).await.is_err(), "not cut");
    let mut again = come(write).await;
    assert_eq!(heard(&mut again).await.unwrap(), 2);

    // A worker that has not heard of that yet, then nobody who knows, then a third one.
    tell(server, &members, &[(first, 4)]);
    tell(server, &members, &[]);
    tell(server, &members, &[(third, 6)]);
    assert!(heard(&mut again).await.is_err(), "not cut");
    let mut last = come(write).await;
    assert_eq!(heard(&mut last).await.unwrap(), 3);
}
