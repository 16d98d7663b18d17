//! The dashboard: one page that draws what the API says, embedded in the
//! binary. It reads, and never acts.
//!
//! Hand-written HTML, CSS and ES modules; no build step, nothing from outside.
//! The modules build every element by DOM calls and set every text as text, so
//! that a name or a database's word is never taken for markup; the policy below
//! would stop it even if one were.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// A file of the page.
#[derive(Debug, Clone, Copy)]
struct File {
    path: &'static str,
    kind: &'static str,
    text: &'static str,
}

macro_rules! script {
    ($name:literal) => {
        File {
            path: concat!("/dashboard/", $name),
            kind: SCRIPT,
            text: include_str!($name),
        }
    };
}

const FILES: [File; 18] = [
    File {
        path: "/",
        kind: HTML,
        text: include_str!("index.html"),
    },
    File {
        path: "/dashboard.css",
        kind: CSS,
        text: include_str!("dashboard.css"),
    },
    File {
        path: "/dashboard/icon.svg",
        kind: SVG,
        text: include_str!("icon.svg"),
    },
    script!("api.js"),
    script!("clock.js"),
    script!("cluster.js"),
    script!("dom.js"),
    script!("evidence.js"),
    script!("layout.js"),
    script!("live.js"),
    script!("main.js"),
    script!("members.js"),
    script!("picture.js"),
    script!("sight.js"),
    script!("states.js"),
    script!("timeline.js"),
    script!("topology.js"),
    script!("workers.js"),
];

/// The page and its parts. Whoever may connect may read them: they hold nothing
/// but code.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    FILES.iter().fold(Router::new(), |router, file| {
        let tag = tag(file.text);
        let answer = move |headers: HeaderMap| async move { file.answer(&tag, &headers) };
        router.route(file.path, get(answer))
    })
}

impl File {
    /// The file; or only the word that the reader has it already.
    fn answer(self, tag: &str, request: &HeaderMap) -> Response {
        let known = request.get(header::IF_NONE_MATCH);
        let known = known.and_then(|known| known.to_str().ok());
        let mut response = if known.is_some_and(|known| known.contains(tag)) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            ([(header::CONTENT_TYPE, self.kind)], self.text).into_response()
        };
        let shared = [
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
            // Kept, and asked for again: a new binary brings a new page.
            (header::CACHE_CONTROL, "no-cache"),
        ];
        for (name, value) in shared {
            let value = axum::http::HeaderValue::from_static(value);
            response.headers_mut().insert(name, value);
        }
        if let Ok(tag) = tag.parse() {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}

/// Another one for each content.
fn tag(text: &str) -> String {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}

#[cfg(test)]
mod tests;
