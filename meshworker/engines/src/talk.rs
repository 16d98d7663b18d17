//! One conversation over HTTP with one node.

use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::HOST;
use hyper::http::request::Builder;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use meshworker_core::{Place, Told, Unanswered};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::Access;
use crate::dial::open;

/// The longest reply that is read: the figures of a large member of etcd take a fifth, what
/// AllegroGraph says of a thousand instances a third.
const LONGEST: usize = 1 << 20;

/// A conversation with one node. Dropped, it ends.
pub(crate) struct Talk {
    place: Place,
    host: String,
    sender: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
    until: Instant,
}

impl Drop for Talk {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Talk {
    /// A conversation with whoever is there, which lasts for at most so long.
    ///
    /// # Errors
    ///
    /// Nobody listens there, or it is not encrypted as it should be.
    pub(crate) async fn with(
        access: &Access,
        place: Place,
        longest: Duration,
    ) -> Result<Talk, Unanswered> {
        let now = Instant::now();
        let deadline = now + access.deadline;
        let opening = async {
            let stream = open(access, place, deadline).await?;
            let (sender, connection) =
                (handshake(TokioIo::new(stream)).await).map_err(unreachable)?;
            Ok(Talk {
                place,
                host: place.socket(access.service_port).to_string(),
                sender,
                driver: tokio::spawn(async move { drop(connection.await) }),
                until: now + longest,
            })
        };
        (timeout_at(deadline, opening).await).unwrap_or(Err(Unanswered::Timeout))
    }

    /// With whom.
    pub(crate) fn place(&self) -> Place {
        self.place
    }

    /// A request to it, as far as it is the same for all.
    pub(crate) fn request(&self, method: Method, path: &str) -> Builder {
        let request = Request::builder().method(method).uri(path);
        request.header(HOST, &self.host)
    }

    /// Sends a request, and reads what is replied, whatever that is.
    ///
    /// # Errors
    ///
    /// Nothing usable came: what became of the request is unknown.
    pub(crate) async fn send(
        &mut self,
        request: Builder,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes), Unanswered> {
        // No text of the error: the path may hold a password.
        let unwritten = |_| Unanswered::Garbage("the request cannot be written".into());
        let request = request.body(Full::new(body)).map_err(unwritten)?;
        let exchange = async {
            self.sender.ready().await.map_err(unreachable)?;
            let reply = (self.sender.send_request(request).await).map_err(unreachable)?;
            let status = reply.status();
            let body = Limited::new(reply.into_body(), LONGEST).collect().await;
            Ok((status, body.map_err(garbage)?.to_bytes()))
        };
        let silent = Err(Unanswered::Timeout);
        timeout_at(self.until, exchange).await.unwrap_or(silent)
    }
}

fn unreachable(why: hyper::Error) -> Unanswered {
    Unanswered::Unreachable(why.to_string())
}

/// What came is of no use.
pub(crate) fn garbage(why: impl ToString) -> Unanswered {
    Unanswered::Garbage(Told::<200>::from(why.to_string()).to_string())
}
