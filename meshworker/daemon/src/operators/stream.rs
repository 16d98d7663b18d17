//! What happens, as it happens: server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{self, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use serde_json::json;
use tokio::sync::broadcast;
use tokio::time::timeout;

use super::Desk;
use super::events::Which;
use crate::board::{Chronicle, News, Noted};
use crate::http::{Lease, Peer, Problem, ProblemBody, StreamPlace};
use crate::status::Event;

/// A reader that hears nothing for so long is sent a comment, so that both
/// sides know that the other one is there.
const SILENCE: Duration = Duration::from_secs(15);

/// So many remembered events are told to a reader that comes back.
const RESUMED: usize = 1_000;

/// What happens, as it happens: events of the types `fact` (an event), `cluster`
/// (its status changed) and `missed` (the reader was too slow).
#[utoipa::path(get, path = "/v1/events/stream", tag = "read", params(Which),
    responses(
        (status = 200, description = "Until the reader goes.", content_type = "text/event-stream", body = String),
        (status = 400, description = "A field is not allowed.", body = ProblemBody),
        (status = 503, description = "Too many streams.", body = ProblemBody),
    ))]
pub async fn stream(
    State(desk): State<Desk>,
    Extension(lease): Extension<Lease>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
    query: Result<Query<Which>, QueryRejection>,
) -> Result<Response, Problem> {
    let which = Which::read(query)?;
    let place = desk.streams.enter(peer).ok_or_else(|| {
        let error = "streams: found as many readers as there are places, or of one client; \
                     allowed: fewer";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, error)
    })?;
    let last = headers.get("last-event-id");
    let last = last.and_then(|id| id.to_str().ok()?.parse().ok());
    let reader = Reader::new(
        Arc::clone(desk.board.chronicle()),
        which,
        last,
        lease,
        place,
    );
    let told = unfold(reader, |mut reader| async move {
        let said = reader.next().await?;
        Some((Ok::<_, Infallible>(said), reader))
    });
    Ok(([(header::CACHE_CONTROL, "no-store")], Sse::new(told)).into_response())
}

/// One reader of the stream.
struct Reader {
    which: Which,
    chronicle: Arc<Chronicle>,
    /// Whether it is told what it missed while it was away: one event after another,
    /// as it takes them, so that nothing is kept for it.
    catches_up: bool,
    /// How many events came while it was away and are not among these.
    missed: u64,
    /// The newest event that it was told.
    told: u64,
    news: broadcast::Receiver<News>,
    lease: Lease,
    greeted: bool,
    _place: StreamPlace,
}

impl Reader {
    fn new(
        chronicle: Arc<Chronicle>,
        which: Which,
        last: Option<u64>,
        lease: Lease,
        place: StreamPlace,
    ) -> Reader {
        lease.stream(place.gives_way());
        // Listens first: what happens in between is in both, and told once.
        let news = chronicle.listen();
        let after = last.or(which.after());
        let wanted = |event: &Event| which.wants(event);
        let (told, missed) = match after {
            None => (chronicle.newest(), 0),
            Some(after) => chronicle.since(after, RESUMED, wanted),
        };
        Reader {
            which,
            chronicle,
            told,
            catches_up: after.is_some(),
            missed,
            news,
            lease,
            greeted: false,
            _place: place,
        }
    }

    /// What is sent next; asked for only when the reader has room for it.
    async fn next(&mut self) -> Option<sse::Event> {
        self.lease.taken();
        if !self.greeted {
            // At once, so that the reader knows that it is heard.
            self.greeted = true;
            return Some(sse::Event::default().comment("hello"));
        }
        let missed = std::mem::take(&mut self.missed);
        if missed > 0 {
            return Some(missing(missed));
        }
        if self.catches_up {
            let next = self
                .chronicle
                .next(self.told, |event| self.which.wants(event));
            if let Some(event) = next {
                self.told = event.id;
                return Some(fact(&event));
            }
            self.catches_up = false;
        }
        loop {
            let news = match timeout(SILENCE, self.news.recv()).await {
                Err(_) => return Some(sse::Event::default().comment("still here")),
                Ok(news) => news,
            };
            match news {
                Ok(News::Event(event)) if event.id > self.told && self.which.wants(&event) => {
                    self.told = event.id;
                    return Some(fact(&event));
                }
                Ok(News::Cluster(cluster)) if self.which.wants_cluster(&cluster) => {
                    return Some(message("cluster", &json!({ "cluster": &*cluster })));
                }
                Ok(_) => {}
                Err(broadcast::error::RecvError::Lagged(missed)) => {
                    return Some(missing(missed));
                }
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}

fn fact(event: &Noted) -> sse::Event {
    let fact = sse::Event::default().event("fact");
    fact.id(event.id.to_string()).data(event.json())
}

fn missing(missed: u64) -> sse::Event {
    message("missed", &json!({ "missed": missed }))
}

fn message(kind: &str, data: &serde_json::Value) -> sse::Event {
    sse::Event::default().event(kind).data(data.to_string())
}
