//! One worker: one address, one request at a time.

use std::time::Duration;

use reqwest::header::{self, HeaderValue};
use reqwest::{Method, Response, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Unanswered;
use super::error::{one_line, reason};
use crate::words::plain_json;

/// How long one request may take: an answer takes milliseconds.
pub(super) const DEADLINE: Duration = Duration::from_secs(5);

/// The longest answer that is read: a hundred members have some hundred KiB.
const LONGEST: usize = 16 * 1024 * 1024;

/// One worker.
#[derive(Debug)]
pub(super) struct Worker {
    /// Where it is, for people.
    pub(super) name: String,
    pub(super) base: Url,
    pub(super) http: reqwest::Client,
}

/// A request, for whichever worker answers.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    method: Method,
    path: Vec<String>,
    query: Vec<(&'static str, String)>,
    body: Option<Vec<u8>>,
    token: Option<HeaderValue>,
    last_event: Option<u64>,
}

impl Ask {
    /// A question.
    pub(super) fn get(path: &[&str], query: &[(&'static str, String)]) -> Ask {
        Ask {
            method: Method::GET,
            path: path.iter().map(|&part| part.to_owned()).collect(),
            query: query.to_vec(),
            body: None,
            token: None,
            last_event: None,
        }
    }

    /// An act.
    pub(super) fn post(path: &[&str], body: Vec<u8>, token: HeaderValue) -> Ask {
        Ask {
            method: Method::POST,
            body: Some(body),
            token: Some(token),
            ..Ask::get(path, &[])
        }
    }

    /// The same, with this token.
    pub(super) fn by(self, token: Option<HeaderValue>) -> Ask {
        Ask { token, ..self }
    }

    /// A question for what came after this event.
    pub(super) fn since(self, last_event: Option<u64>) -> Ask {
        Ask { last_event, ..self }
    }
}

#[derive(Deserialize)]
struct Problem {
    error: String,
}

impl Worker {
    /// Asks, and reads the whole answer, whose texts are made harmless first: what
    /// answers may be anybody.
    pub(super) async fn ask<T: DeserializeOwned>(&self, ask: &Ask) -> Result<T, Unanswered> {
        let request = self.request(ask)?.timeout(DEADLINE);
        let response = request.send().await.map_err(|error| self.unheard(&error))?;
        let status = response.status();
        let body = self.body(response).await?;
        if status.is_success() {
            return serde_json::from_str(&plain_json(&String::from_utf8_lossy(&body)))
                .map_err(|error| self.garbage(&format!("its answer is not a worker's: {error}")));
        }
        Err(self.refused(status.as_u16(), &body))
    }

    /// Asks for a stream, and waits until it begins.
    pub(super) async fn open(&self, ask: &Ask) -> Result<Response, Unanswered> {
        let request = self
            .request(ask)?
            .header(header::ACCEPT, "text/event-stream");
        let response = match tokio::time::timeout(DEADLINE, request.send()).await {
            Ok(response) => response.map_err(|error| self.unheard(&error))?,
            Err(_) => {
                let why = format!("no answer within {} s", DEADLINE.as_secs());
                return Err(self.garbage(&why));
            }
        };
        let status = response.status();
        if !status.is_success() {
            let body = self.body(response).await?;
            return Err(self.refused(status.as_u16(), &body));
        }
        let kind = response.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !kind.starts_with("text/event-stream") {
            return Err(self.garbage("its answer is no stream of events"));
        }
        Ok(response)
    }

    /// What went wrong with this worker, other than by its own words.
    pub(super) fn garbage(&self, why: &str) -> Unanswered {
        Unanswered::Unheard {
            worker: self.name.clone(),
            why: one_line(why),
        }
    }

    pub(super) fn unheard(&self, error: &reqwest::Error) -> Unanswered {
        self.garbage(&reason(error))
    }

    fn request(&self, ask: &Ask) -> Result<reqwest::RequestBuilder, Unanswered> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| self.garbage("its address has no path"))?
            .clear()
            .extend(&ask.path);
        if !ask.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&ask.query);
        }
        let mut request = self.http.request(ask.method.clone(), url);
        if let Some(token) = &ask.token {
            request = request.header(header::AUTHORIZATION, token);
        }
        if let Some(id) = ask.last_event {
            request = request.header("Last-Event-ID", id);
        }
        if let Some(body) = &ask.body {
            request = request
                .header(header::CONTENT_TYPE, "application/json")
                .body(body.clone());
        }
        Ok(request)
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, Unanswered> {
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| self.unheard(&error))?
        {
            body.extend_from_slice(&chunk);
            if body.len() > LONGEST {
                return Err(self.garbage("its answer has no end"));
            }
        }
        Ok(body)
    }

    fn refused(&self, status: u16, body: &[u8]) -> Unanswered {
        match serde_json::from_slice(body) {
            Ok(Problem { error }) => Unanswered::Refused {
                worker: self.name.clone(),
                status,
                error: one_line(&error),
            },
            Err(_) => self.garbage(&format!("status {status}, and no word of a worker")),
        }
    }
}
