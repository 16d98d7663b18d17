//! One engine, spoken to over HTTP: each request on a connection of its own.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Client, Response};

use super::{DockerError, Endpoint};

/// For how long a connection may take, and the beginning of an answer.
const CONNECT: Duration = Duration::from_secs(10);
const BEGIN: Duration = Duration::from_secs(30);

/// The longest answer that is read: a thousand members with the five last tasks of
/// each slot take three quarters of it. The list of tasks is the only long one.
pub(super) const LONGEST_ANSWER: usize = 16 << 20;

/// So much is read of an answer that is no list: of a refusal, or of what the engine
/// says of itself.
pub(super) const SHORT_ANSWER: usize = 64 << 10;

/// The newest version of the API that is known here.
pub(crate) const NEWEST: Version = Version(1, 53);

/// A version of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(u16, u16);

impl FromStr for Version {
    type Err = ();

    fn from_str(text: &str) -> Result<Version, ()> {
        let (major, minor) = text.split_once('.').ok_or(())?;
        let number = |text: &str| text.parse().map_err(|_| ());
        Ok(Version(number(major)?, number(minor)?))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// How the engine is spoken to.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    endpoint: Endpoint,
    http: Client,
    base: String,
}

impl Wire {
    /// The way to this engine. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// A certificate cannot be read.
    pub(super) fn to(endpoint: &Endpoint) -> Result<Wire, DockerError> {
        let unusable = |why: &dyn fmt::Display| endpoint.unusable(&why.to_string());
        let tls = endpoint.tls().map_err(|why| unusable(&why))?;
        let http = Client::builder()
            .tls_backend_preconfigured(tls)
            .no_proxy()
            .redirect(Policy::none())
            .pool_max_idle_per_host(0)
            .connect_timeout(CONNECT);
        let http = match endpoint.socket() {
            Some(path) => http.unix_socket(path),
            None => http,
        };
        Ok(Wire {
            endpoint: endpoint.clone(),
            http: http.build().map_err(|why| unusable(&why))?,
            base: endpoint.base(),
        })
    }

    /// The beginning of what the engine answers; with a body, to a request that changes
    /// something.
    ///
    /// # Errors
    ///
    /// There is no answer, or the engine says no.
    pub(super) async fn ask(
        &self,
        target: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Answer, DockerError> {
        let url = format!("{}{target}", self.base);
        let request = match body {
            Some(body) => {
                let request = self.http.post(url).body(body);
                request.header(CONTENT_TYPE, "application/json")
            }
            None => self.http.get(url),
        };
        let response = tokio::time::timeout(BEGIN, request.send()).await;
        let response = response.map_err(|_| DockerError::Timeout)?;
        let response = response.map_err(|error| self.failure(error))?;
        let answer = Answer {
            wire: self.clone(),
            response,
        };
        match answer.response.status() {
            status if status.is_success() => Ok(answer),
            status => Err(answer.refused(status.as_u16()).await),
        }
    }

    fn failure(&self, error: reqwest::Error) -> DockerError {
        // It names the whole target.
        self.endpoint.failure(&error.without_url())
    }
}

/// What the engine answers, as it comes.
pub(super) struct Answer {
    wire: Wire,
    response: Response,
}

impl Answer {
    /// The next bytes; none at its end.
    ///
    /// # Errors
    ///
    /// The connection broke.
    pub(super) async fn next(&mut self) -> Result<Option<hyper::body::Bytes>, DockerError> {
        let part = self.response.chunk().await;
        part.map_err(|error| self.wire.failure(error))
    }

    /// Why the engine said no. Whatever it sends, a line of it is read.
    async fn refused(mut self, status: u16) -> DockerError {
        let mut bytes = Vec::new();
        let reading = async {
            while let Ok(Some(part)) = self.next().await {
                bytes.extend_from_slice(&part);
                if bytes.len() > SHORT_ANSWER {
                    break;
                }
            }
        };
        let _ = tokio::time::timeout(CONNECT, reading).await;
        DockerError::refused(status, &bytes)
    }
}
