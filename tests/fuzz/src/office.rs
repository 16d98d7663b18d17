//! The server that operators ask, without a network.

use std::cell::RefCell;
use std::io::Write;
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::Body;
use http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use meshworker::board::{Board, Powers};
use meshworker::config::{Cluster, Origin, Raw, Surroundings};
use meshworker::http::{Names, Tokens, guarded};
use meshworker::operators;
use meshworker::token_file::TokenFile;
use meshworker_engines::outside::Words;
use tempfile::NamedTempFile;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

/// A file with a token.
pub static TOKEN: LazyLock<NamedTempFile> = LazyLock::new(|| {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(b"a-token-of-the-tests").unwrap();
    file
});

struct Office {
    runtime: Runtime,
    router: Router,
}

thread_local! {
    static OFFICE: RefCell<Office> = RefCell::new(open());
}

fn open() -> Office {
    let mut raw = Raw::default();
    for (name, value) in [("servicename", "db"), ("engine", "redis")] {
        raw.give(name, value, Origin::Flag).unwrap();
    }
    let cluster = Cluster::validate(&raw, Surroundings::of_docker(false)).unwrap();
    let board = Board::new(Powers::default());
    // Known for as long as the process lives.
    std::mem::forget(board.open(&cluster));
    let tokens = Tokens::in_file(TokenFile::new(TOKEN.path())).unwrap();
    let desk = operators::Desk::new(Arc::clone(&board)).with_token(Some(tokens));
    Office {
        runtime: Builder::new_current_thread().enable_all().build().unwrap(),
        router: guarded(Names::default(), operators::router(desk)),
    }
}

/// The answer to `METHOD PATH`, lines of headers, an empty line, and a body.
pub fn answered(bytes: &[u8]) -> Words {
    match request(bytes) {
        Some(request) => OFFICE.with_borrow(|office| office.answer(request)),
        None => Words::new(),
    }
}

fn request(bytes: &[u8]) -> Option<Request<Body>> {
    let end = bytes.windows(2).position(|two| two == b"\n\n");
    let (head, body) = match end {
        Some(end) => (&bytes[..end], &bytes[end + 2..]),
        None => (bytes, &b""[..]),
    };
    let mut lines = head.split(|byte| *byte == b'\n');
    let mut first = lines.next()?.splitn(2, |byte| *byte == b' ');
    let request = Request::builder()
        .method(first.next()?)
        .uri(first.next().unwrap_or(b"/"));
    let headers = lines.filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        Some((&line[..colon], &line[colon + 1..]))
    });
    headers
        .fold(request, |request, (name, value)| {
            request.header(name, value)
        })
        .body(Body::from(body.to_vec()))
        .ok()
}

impl Office {
    fn answer(&self, request: Request<Body>) -> Words {
        self.runtime.block_on(async {
            let answer = self.router.clone().oneshot(request).await.unwrap();
            let failed = answer.status() == StatusCode::INTERNAL_SERVER_ERROR;
            let kind = answer.headers().get(header::CONTENT_TYPE);
            let is_stream = kind.is_some_and(|kind| kind == "text/event-stream");
            if is_stream {
                return Words::new();
            }
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            let text = String::from_utf8_lossy(&body);
            // A stream needs its connection, which is not here.
            assert!(
                !failed || text.starts_with("Missing request extension"),
                "{text}"
            );
            text.lines().map(str::to_owned).collect()
        })
    }
}
