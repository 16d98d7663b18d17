//! Accepts connections and gives each a task that lives no longer than the listener.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// How many connections one port serves at once: far more than a cluster of workers opens.
const MAX_CONNECTIONS: usize = 4096;
/// The pause when the system has no descriptors left.
const BREATHE: Duration = Duration::from_millis(50);

/// Accepts for ever. Dropping the future closes the port and ends every connection.
pub(crate) async fn accept_all<F, Fut>(listener: TcpListener, serve: F)
where
    F: Fn(TcpStream, SocketAddr) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok((stream, remote)) => {
                    connections.spawn(serve(stream, remote));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    sleep(BREATHE).await;
                }
            },
            Some(ended) = connections.join_next() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "a connection's task failed");
                }
            }
        }
    }
}
