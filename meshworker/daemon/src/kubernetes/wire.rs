//! The API, spoken to over HTTP.

use std::error::Error;
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE};
use meshworker_core::Told;
use meshworker_engines::tls;
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response};

use super::{Account, KubernetesError};

/// For how long a connection may take, and the beginning of an answer.
const CONNECT: Duration = Duration::from_secs(2);
const BEGIN: Duration = Duration::from_secs(10);

/// A connection on which nothing comes is tried after so long, and so often: an API server
/// that died without a word would leave a watch silent for ever.
const PROBE: Duration = Duration::from_secs(5);
const PROBES: u32 = 2;

/// The longest answer that is read: a page of a list takes a tenth of it.
pub(super) const LONGEST_ANSWER: usize = 4 << 20;

/// So much is read of a refusal.
const LONGEST_REFUSAL: usize = 16 << 10;

/// The API, spoken to over HTTP as this account.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    account: Account,
    http: Client,
}

impl Wire {
    /// The way to the API of this account. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// A certificate cannot be read.
    pub(super) fn to(account: &Account) -> Result<Wire, KubernetesError> {
        let unusable = |why: &dyn std::fmt::Display| KubernetesError::Account(why.to_string());
        let tls = tls::config(account.tls().as_ref()).map_err(|why| unusable(&why))?;
        let http = Client::builder()
            .tls_backend_preconfigured(tls)
            .no_proxy()
            .redirect(Policy::none())
            .pool_max_idle_per_host(1)
            .tcp_keepalive(PROBE)
            .tcp_keepalive_interval(PROBE)
            .tcp_keepalive_retries(PROBES)
            .connect_timeout(CONNECT);
        Ok(Wire {
            account: account.clone(),
            http: http.build().map_err(|why| unusable(&why))?,
        })
    }

    /// The whole answer to a question.
    pub(super) async fn get(&self, target: &str) -> Result<Vec<u8>, KubernetesError> {
        self.begin(self.http.get(self.url(target)))
            .await?
            .whole()
            .await
    }

    /// The whole answer to a change, which says only what is to be otherwise.
    pub(super) async fn patch(
        &self,
        target: &str,
        body: String,
    ) -> Result<Vec<u8>, KubernetesError> {
        let request = self.http.patch(self.url(target)).body(body);
        let request = request.header(CONTENT_TYPE, "application/merge-patch+json");
        self.begin(request).await?.whole().await
    }

    /// The beginning of an answer that has no end.
    pub(super) async fn follow(&self, target: &str) -> Result<Answer, KubernetesError> {
        self.begin(self.http.get(self.url(target))).await
    }

    fn url(&self, target: &str) -> String {
        format!("{}{target}", self.account.base)
    }

    async fn begin(&self, request: RequestBuilder) -> Result<Answer, KubernetesError> {
        let token = self.account.token()?;
        let request = request
            .bearer_auth(token)
            .header(ACCEPT, "application/json");
        let response = tokio::time::timeout(BEGIN, request.send()).await;
        let response = response.map_err(|_| KubernetesError::Timeout)?;
        let response = response.map_err(|error| failure(&self.account.base, error))?;
        let answer = Answer {
            base: self.account.base.clone(),
            response,
        };
        match answer.response.status() {
            status if status.is_success() => Ok(answer),
            status => Err(answer.refused(status.as_u16()).await),
        }
    }
}

/// What the API answers, as it comes.
pub(super) struct Answer {
    base: String,
    response: Response,
}

impl Answer {
    /// The next bytes; none at its end. May be cancelled.
    pub(super) async fn next(&mut self) -> Result<Option<bytes::Bytes>, KubernetesError> {
        let part = self.response.chunk().await;
        part.map_err(|error| failure(&self.base, error))
    }

    async fn whole(mut self) -> Result<Vec<u8>, KubernetesError> {
        let mut bytes = Vec::new();
        while let Some(part) = self.next().await? {
            if bytes.len() + part.len() > LONGEST_ANSWER {
                return Err(KubernetesError::TooLong(LONGEST_ANSWER));
            }
            bytes.extend_from_slice(&part);
        }
        Ok(bytes)
    }

    /// Why the API said no. Whatever it sends, a line of it is read.
    async fn refused(mut self, status: u16) -> KubernetesError {
        let mut bytes = Vec::new();
        let reading = async {
            while let Ok(Some(part)) = self.next().await {
                bytes.extend_from_slice(&part);
                if bytes.len() > LONGEST_REFUSAL {
                    break;
                }
            }
        };
        let _ = tokio::time::timeout(CONNECT, reading).await;
        KubernetesError::refused(status, &bytes)
    }
}

/// What a failure of the connection means: its last cause names no library.
fn failure(base: &str, error: reqwest::Error) -> KubernetesError {
    if error.is_timeout() {
        return KubernetesError::Timeout;
    }
    let error = error.without_url();
    let mut cause: &dyn Error = &error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    let why = Told::<300>::from(cause.to_string());
    KubernetesError::Unreachable(format!("{base}: {why}"))
}
