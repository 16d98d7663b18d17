//! Requests and replies.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::{Method, Request, Response};
use percent_encoding::percent_decode_str;

/// The parameters of a request.
#[derive(Debug, Clone, Default)]
pub struct Query(BTreeMap<String, String>);

impl Query {
    fn of(text: &str) -> Query {
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
        Query(
            pairs
                .map(|(name, value)| (decoded(name), decoded(value)))
                .collect(),
        )
    }

    /// The parameter of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The same, or what a server says where it is missing.
    pub fn need(&self, name: &str) -> Result<&str, Reply> {
        let missing = || Reply::invalid(format!("parameter {name} is missing"));
        self.get(name)
            .filter(|value| !value.is_empty())
            .ok_or_else(missing)
    }

    /// Whether it is given, and true.
    pub fn is_yes(&self, name: &str) -> bool {
        self.get(name)
            .is_some_and(|value| matches!(value, "true" | "t" | "yes" | "y" | "1"))
    }
}

/// A request, read whole.
#[derive(Debug)]
pub struct Asked {
    pub method: Method,
    pub path: Vec<String>,
    pub query: Query,
    pub login: Option<(String, String)>,
    /// What was asked and by whom, as it came.
    pub words: String,
    pub body: String,
    /// How many instances are to have a commit before it is acknowledged.
    pub durability: Option<String>,
}

impl Asked {
    pub async fn read(request: Request<Incoming>) -> Result<Asked, hyper::Error> {
        let (head, body) = request.into_parts();
        let path = head.uri.path().split('/').filter(|part| !part.is_empty());
        let path = path.map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned());
        let header = |name: &str| head.headers.get(name)?.to_str().ok();
        let settings = header("x-repl-settings").unwrap_or_default().split(' ');
        let mut settings = settings.filter_map(|one| one.split_once('='));
        Ok(Asked {
            method: head.method.clone(),
            path: path.collect(),
            query: Query::of(head.uri.query().unwrap_or_default()),
            login: header(AUTHORIZATION.as_str()).and_then(login),
            words: format!(
                "{} {} by {}",
                head.method,
                head.uri,
                header(AUTHORIZATION.as_str()).unwrap_or_default()
            ),
            durability: settings
                .find(|(name, _)| *name == "durability")
                .map(|(_, value)| value.to_owned()),
            body: String::from_utf8_lossy(&body.collect().await?.to_bytes()).into_owned(),
        })
    }

    /// Whether it may change something.
    pub fn changes(&self) -> bool {
        self.method != Method::GET
    }
}

fn login(header: &str) -> Option<(String, String)> {
    let pair = STANDARD.decode(header.strip_prefix("Basic ")?).ok()?;
    let pair = String::from_utf8(pair).ok()?;
    let (user, password) = pair.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// What is replied.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub body: String,
}

impl Reply {
    pub fn ok(body: impl Into<String>) -> Reply {
        Reply {
            status: 200,
            body: body.into(),
        }
    }

    pub fn nothing() -> Reply {
        Reply::error(204, "")
    }

    pub fn error(status: u16, body: impl Into<String>) -> Reply {
        Reply {
            status,
            body: body.into(),
        }
    }

    pub fn invalid(why: impl std::fmt::Display) -> Reply {
        Reply::error(400, format!("INVALID PARAMETERS: {why}"))
    }

    pub fn inappropriate(why: impl std::fmt::Display) -> Reply {
        Reply::error(400, format!("INAPPROPRIATE REQUEST: {why}"))
    }

    pub fn written(self) -> Response<Full<Bytes>> {
        let kind = match self.body.starts_with(['[', '{', '"']) {
            true => "application/json",
            false => "text/plain",
        };
        let mut response = Response::new(Full::new(Bytes::from(self.body)));
        *response.status_mut() = self.status.try_into().unwrap_or_default();
        if let Ok(kind) = kind.try_into() {
            response.headers_mut().insert(CONTENT_TYPE, kind);
        }
        response
    }
}
