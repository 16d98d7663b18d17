//! One request of an operation.

use std::collections::BTreeMap;
use std::fmt;

use super::scene::MEMBER;
use super::{Operation, Place, samples};
use crate::office::TOKEN;
use crate::reply::request;

/// One request of an operation.
#[derive(Clone)]
pub struct Call<'a> {
    pub operation: &'a Operation,
    /// The operation's own, unless another one is tried.
    pub method: &'a str,
    /// What stands for the parts in braces, as it is sent.
    pub parts: BTreeMap<&'a str, String>,
    /// What follows the question mark, as it is sent.
    pub query: String,
    /// Whether it carries the token.
    pub token: bool,
    pub content_type: Option<&'static str>,
    pub body: Vec<u8>,
}

impl<'a> Call<'a> {
    /// One that the document allows, with everything that may be in it, about a member where it is about one.
    pub fn allowed(operation: &'a Operation) -> Call<'a> {
        let call = Call::about(operation, MEMBER);
        call.unwrap_or_else(|| {
            panic!("{operation}: the document does not allow these tests' sample")
        })
    }

    /// The same about another member, or node; none where the document does not allow that.
    pub fn about(operation: &'a Operation, member: &str) -> Option<Call<'a>> {
        let mut parts = BTreeMap::new();
        let mut query = Vec::new();
        for parameter in &operation.parameters {
            let sample = samples::parameter(parameter, member)?;
            match parameter.place {
                Place::Path => drop(parts.insert(parameter.name.as_str(), sample)),
                Place::Query => query.push(format!("{}={sample}", parameter.name)),
            }
        }
        let body = operation.body.as_ref();
        let fields = body.map(|body| samples::body(body, member));
        Some(Call {
            operation,
            method: &operation.method,
            parts,
            query: query.join("&"),
            token: operation.secured,
            content_type: body.map(|_| "application/json"),
            body: match fields {
                Some(fields) => fields?.text().into_bytes(),
                None => Vec::new(),
            },
        })
    }

    /// The same, with this for one of the path's parts.
    pub fn with_part(&self, name: &'a str, text: impl Into<String>) -> Call<'a> {
        let mut call = self.clone();
        call.parts.insert(name, text.into());
        call
    }

    /// The same, with this behind the question mark.
    pub fn with_query(&self, query: impl Into<String>) -> Call<'a> {
        let query = query.into();
        Call {
            query,
            ..self.clone()
        }
    }

    /// The same, with this body.
    pub fn with_body(&self, body: impl Into<Vec<u8>>) -> Call<'a> {
        let body = body.into();
        Call {
            body,
            ..self.clone()
        }
    }

    /// The same, with a body that is said to be of this type.
    pub fn with_type(&self, content_type: Option<&'static str>) -> Call<'a> {
        Call {
            content_type,
            ..self.clone()
        }
    }

    /// The same, without the token.
    pub fn without_token(&self) -> Call<'a> {
        Call {
            token: false,
            ..self.clone()
        }
    }

    /// Its first line, without the version.
    pub fn line(&self) -> String {
        let mut path = self.operation.path.clone();
        for (name, text) in &self.parts {
            path = path.replace(&format!("{{{name}}}"), text);
        }
        let mark = if self.query.is_empty() { "" } else { "?" };
        format!("{} {path}{mark}{}", self.method, self.query)
    }

    /// What is sent.
    pub fn bytes(&self) -> Vec<u8> {
        let bearer = format!("Bearer {TOKEN}");
        let mut headers = Vec::new();
        headers.extend(self.token.then_some(("authorization", bearer.as_str())));
        headers.extend(self.content_type.map(|kind| ("content-type", kind)));
        request(&self.line(), &headers, &self.body)
    }
}

impl fmt::Display for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |text: &str| text.chars().take(200).collect::<String>();
        let body = String::from_utf8_lossy(&self.body);
        write!(f, "{} {:?}", shown(&self.line()), shown(&body))
    }
}
