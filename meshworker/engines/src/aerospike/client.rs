//! Requests over TCP: one connection per node, kept between passes.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use meshworker_core::{Place, Unanswered};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use super::info::{self, HEADER, MAX_BODY};
use crate::budget::{MOST_KEPT, Share};
use crate::dial::dial;
use crate::tls::{self, TlsError};
use crate::{Access, Tls};

/// A connection that was not used for this long is closed: many passes, at the
/// calmest pace, and its node has surely left.
const KEPT_FOR: Duration = Duration::from_secs(60);

/// The most memory that is made ready ahead of what arrives, so that an
/// announced length alone costs nothing.
const READ_AHEAD: usize = 64 << 10;

/// Asks the nodes of one cluster.
pub(super) struct Client {
    port: u16,
    deadline: Duration,
    tls: Option<Tls>,
    kept: Mutex<HashMap<Place, Kept>>,
}

struct Kept {
    connection: Connection,
    used: Instant,
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

type Connection = Box<dyn Stream>;

/// Why a conversation over a connection did not come to its end.
#[derive(Debug, thiserror::Error)]
enum Broken {
    /// The connection was closed or lost before the answer's first byte.
    #[error("it closed the connection without an answer")]
    Closed,
    /// It was closed or lost within the answer.
    #[error("half an answer: the connection ended after {0} bytes")]
    Half(usize),
    /// It took too long over a long answer, and others were waiting.
    #[error("a long answer that does not end, while others have some too")]
    GaveWay,
    /// The answer is none.
    #[error(transparent)]
    Malformed(#[from] info::Malformed),
}

impl From<Broken> for Unanswered {
    fn from(broken: Broken) -> Unanswered {
        match broken {
            Broken::Closed => Unanswered::Unreachable(broken.to_string()),
            Broken::GaveWay => Unanswered::Timeout,
            Broken::Half(_) | Broken::Malformed(_) => Unanswered::Garbage(broken.to_string()),
        }
    }
}

impl Client {
    /// A client for nodes that are reached this way.
    pub fn new(access: &Access) -> Client {
        Client {
            port: access.service_port,
            deadline: access.deadline,
            tls: access.tls.clone(),
            kept: Mutex::default(),
        }
    }

    /// When a request that begins now must be answered.
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.deadline
    }

    /// Asks all these commands in one round trip, and returns the body of the
    /// answer. May be cancelled at any point: a connection in use is not kept.
    ///
    /// # Errors
    ///
    /// Nobody listens, no answer came in time, or what came is none.
    pub async fn ask(
        &self,
        node: Place,
        commands: &[impl AsRef<str>],
        deadline: Instant,
    ) -> Result<Vec<u8>, Unanswered> {
        let request = info::encode(commands);
        if let Some(mut kept) = self.take(node) {
            let talk = timeout_at(deadline, converse(&mut kept, &request));
            match talk.await.map_err(|_| Unanswered::Timeout)? {
                Ok(answer) => {
                    self.keep(node, kept);
                    return Ok(answer);
                }
                // The node has closed it since, or is another one by now: a new
                // connection tells. Asking twice is harmless, every request is
                // idempotent.
                Err(Broken::Closed) => {}
                Err(broken) => return Err(broken.into()),
            }
        }
        let mut connection = self.connect(node, deadline).await?;
        let talk = timeout_at(deadline, converse(&mut connection, &request));
        let answer = talk.await.map_err(|_| Unanswered::Timeout)??;
        self.keep(node, connection);
        Ok(answer)
    }

    async fn connect(&self, node: Place, deadline: Instant) -> Result<Connection, Unanswered> {
        let unreachable = |why: String| Unanswered::Unreachable(why);
        let stream = dial(node.socket(self.port), self.deadline, deadline)
            .await
            .map_err(|error| unreachable(error.to_string()))?;
        // Requests are written whole: to wait for more would only cost time.
        stream
            .set_nodelay(true)
            .map_err(|error| unreachable(error.to_string()))?;
        let Some(tls) = &self.tls else {
            return Ok(Box::new(stream));
        };
        let unusable = |error: TlsError| Unanswered::Denied(error.to_string());
        let name = tls::expected_name(tls, node.address).map_err(unusable)?;
        let connector = tls::connector(tls).map_err(unusable)?;
        match timeout_at(deadline, connector.connect(name, stream)).await {
            Ok(Ok(stream)) => Ok(Box::new(stream)),
            Ok(Err(error)) => Err(Unanswered::Garbage(tls::failed(tls, &error))),
            Err(_) => Err(Unanswered::Timeout),
        }
    }

    fn take(&self, node: Place) -> Option<Connection> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.remove(&node).map(|kept| kept.connection)
    }

    fn keep(&self, node: Place, connection: Connection) {
        let used = Instant::now();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, kept| used.duration_since(kept.used) < KEPT_FOR);
        if kept.len() < MOST_KEPT {
            kept.insert(node, Kept { connection, used });
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("port", &self.port).finish()
    }
}

/// Sends the request and reads the answer's body.
async fn converse(connection: &mut Connection, request: &[u8]) -> Result<Vec<u8>, Broken> {
    let lost = |_: io::Error| Broken::Closed;
    connection.write_all(request).await.map_err(lost)?;
    connection.flush().await.map_err(lost)?;
    let share = Share::of(HEADER + MAX_BODY);
    let gives_way = share.gives_way();
    tokio::select! {
        biased;
        body = body(connection, share) => body,
        () = gives_way.notified() => Err(Broken::GaveWay),
    }
}

/// Reads the answer's body.
async fn body(connection: &mut Connection, mut share: Share) -> Result<Vec<u8>, Broken> {
    let mut received = Vec::new();
    loop {
        share.cover(received.len()).await;
        if let Some(body) = info::decode(&received)? {
            let header = received.len() - body.len();
            received.drain(..header);
            return Ok(received);
        }
        let room = received.len().clamp(1 << 10, READ_AHEAD);
        received.reserve(room);
        match connection.read_buf(&mut received).await {
            Ok(more) if more > 0 => {}
            _ if received.is_empty() => return Err(Broken::Closed),
            _ => return Err(Broken::Half(received.len())),
        }
    }
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
