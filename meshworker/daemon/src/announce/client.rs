//! The supervisor's side: posts one announcement to one worker.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use meshworker_core::Told;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use tokio_rustls::rustls;

use super::held::HAS;
use super::{Announcement, Answer, HELD, ORDERS, Order, PATH, Verdict};
use crate::proof::{Call, Unproved};
use crate::token_file::TokenFile;

/// How long one worker may take: announcements are repeated each second.
const DEADLINE: Duration = Duration::from_secs(1);

/// The longest answer that is read. A real one has a few hundred bytes.
const LONGEST: usize = 64 * 1024;

/// Why a worker gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum Unheard {
    /// Nobody is there who has proved that it knows the token.
    #[error(transparent)]
    Unproved(#[from] Unproved),
    /// It took too long.
    #[error("no answer within {} s", .0.as_secs())]
    Timeout(Duration),
    /// What answers there does not speak this protocol.
    #[error("no usable answer: {0}")]
    Garbage(String),
    /// It is one of several, and another one acts: it says which.
    #[error("{0}")]
    Yields(String),
    /// The worker refused the announcement, and said why.
    #[error("refused with status {status}: {why}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The worker's words.
        why: String,
    },
}

/// Posts announcements to workers that know a token of ours.
#[derive(Debug)]
pub struct Client(Call);

impl Client {
    /// Posts with the tokens of this file, from this address where that is possible.
    pub fn new(tokens: TokenFile, from: Option<IpAddr>) -> Client {
        Client(Call::new(tokens, from))
    }

    /// Posts an announcement to the worker at this address. Bounded by a deadline
    /// of one second; may be cancelled.
    ///
    /// # Errors
    ///
    /// Says why the worker gave no answer. The worker may have heard it all the same.
    pub async fn post(
        &self,
        worker: SocketAddr,
        announcement: &Announcement,
    ) -> Result<Answer, Unheard> {
        self.within(DEADLINE, worker, PATH, announcement, None)
            .await
    }

    /// Tells an operator's order to the worker at this address: whether that member may
    /// stop by now. Bounded as [`Client::post`]; may be cancelled.
    ///
    /// # Errors
    ///
    /// As [`Client::post`].
    pub async fn order(
        &self,
        worker: SocketAddr,
        order: &Order,
    ) -> Result<Option<Verdict>, Unheard> {
        self.within(DEADLINE, worker, ORDERS, order, None).await
    }

    /// The same, answered once there is another answer than that of this mark, or after
    /// [`HELD`]; a second later nobody waits any more. May be cancelled.
    ///
    /// # Errors
    ///
    /// As [`Client::post`].
    pub async fn post_again(
        &self,
        worker: SocketAddr,
        announcement: &Announcement,
        has: u64,
    ) -> Result<Answer, Unheard> {
        let deadline = HELD + DEADLINE;
        self.within(deadline, worker, PATH, announcement, Some(has))
            .await
    }

    async fn within<A: DeserializeOwned>(
        &self,
        deadline: Duration,
        worker: SocketAddr,
        path: &str,
        said: &impl Serialize,
        has: Option<u64>,
    ) -> Result<A, Unheard> {
        let exchange = self.exchange(worker, path, said, has);
        let answer = timeout(deadline, exchange).await;
        answer.unwrap_or(Err(Unheard::Timeout(deadline)))
    }

    async fn exchange<A: DeserializeOwned>(
        &self,
        worker: SocketAddr,
        path: &str,
        said: &impl Serialize,
        has: Option<u64>,
    ) -> Result<A, Unheard> {
        let garbage = |why: &dyn std::fmt::Display| {
            Unheard::Garbage(Told::<400>::from(why.to_string()).into_string())
        };
        let body = serde_json::to_vec(said).map_err(|why| garbage(&why))?;
        let mut request = Request::post(path)
            .header(header::HOST, worker.to_string())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::CONNECTION, "close");
        if let Some(mark) = has {
            request = request.header(HAS, mark);
        }
        let request = request
            .body(Full::new(Bytes::from(body)))
            .map_err(|why| garbage(&why))?;

        let stream = self.0.connect(worker).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|why| garbage(&why))?;
        let exchange = async {
            let response = sender.send_request(request).await.map_err(|why| {
                if is_alert(&why) {
                    return Unproved::Refused.into();
                }
                garbage(&why)
            })?;
            let status = response.status();
            let body = Limited::new(response.into_body(), LONGEST);
            let body = body.collect().await.map_err(|why| garbage(&why))?;
            let body = body.to_bytes();
            match status {
                StatusCode::OK => serde_json::from_slice(&body).map_err(|why| garbage(&why)),
                StatusCode::MISDIRECTED_REQUEST => Err(Unheard::Yields(first_line(&body))),
                status => Err(Unheard::Refused {
                    status: status.as_u16(),
                    why: first_line(&body),
                }),
            }
        };
        // The connection must be driven beside the exchange, and its end says
        // nothing that the exchange does not say better.
        let mut exchange = std::pin::pin!(exchange);
        tokio::select! {
            answer = &mut exchange => answer,
            _ = connection => exchange.await,
        }
    }
}

/// Whether the other side ended it by an alert: it sees our certificate only
/// when the handshake is over for us.
fn is_alert(why: &hyper::Error) -> bool {
    let mut cause = std::error::Error::source(why);
    while let Some(why) = cause {
        let io = why.downcast_ref::<std::io::Error>();
        let tls = io.and_then(|io| io.get_ref()?.downcast_ref());
        if let Some(rustls::Error::AlertReceived(_)) = tls {
            return true;
        }
        cause = why.source();
    }
    false
}

/// What a worker says of a refusal, fit for one line of a log.
pub(crate) fn first_line(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    Told::<400>::from(text.lines().next().unwrap_or_default()).into_string()
}
