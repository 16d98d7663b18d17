//! How many requests one client may send.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use governor::clock::DefaultClock;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use utoipa::openapi::Header;
use utoipa::openapi::schema::{Object, Type};

use super::{Lease, Peer, Problem, ProblemBody, Tokens};

/// So many requests a second, and as many at once: a dashboard sends a few, a
/// script that runs wild thousands.
const PER_SECOND: NonZeroU32 = NonZeroU32::MIN.saturating_add(499);

/// When so many clients are remembered, those that have been quiet are forgotten.
const CLIENTS: usize = 4_096;

/// A client, and whether it knows a token: who gives orders is not kept waiting by
/// whoever else comes from the same address.
type Client = (IpAddr, bool);

struct Limiter {
    clients: RateLimiter<Client, HashMapStateStore<Client>, DefaultClock>,
    tokens: Option<Tokens>,
}

/// These routes, for five hundred requests a second from each client, with a share of
/// its own for whoever knows one of these tokens.
pub fn limited(tokens: Option<Tokens>, router: Router) -> Router {
    limited_to(Quota::per_second(PER_SECOND), tokens, router)
}

/// The same, for so many requests.
pub fn limited_to(quota: Quota, tokens: Option<Tokens>, router: Router) -> Router {
    let clients = RateLimiter::hashmap(quota);
    let limiter = Arc::new(Limiter { clients, tokens });
    router.layer(axum::middleware::from_fn_with_state(limiter, check))
}

/// The limit's answer, in the document of limited routes.
pub(crate) fn limited_answer() -> utoipa::openapi::Response {
    let refused = format!("More than {PER_SECOND} requests in a second from one client.");
    let mut answer = ProblemBody::answer(&refused);
    let seconds = Header::new(Object::with_type(Type::Integer));
    answer
        .headers
        .insert("retry-after".to_owned(), seconds.into());
    answer
}

async fn check(
    State(limiter): State<Arc<Limiter>>,
    Extension(Peer(peer)): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let Limiter { clients, tokens } = &*limiter;
    if clients.len() > CLIENTS {
        clients.retain_recent();
    }
    let tokens = tokens
        .as_ref()
        .filter(|_| request.headers().contains_key(AUTHORIZATION));
    let known = tokens.is_some_and(|tokens| tokens.check(request.headers()).is_ok());
    if let Some(lease) = request.extensions().get::<Lease>().filter(|_| known) {
        lease.prove();
    }
    if clients.check_key(&(peer, known)).is_err() {
        let error = format!("requests: found more than {PER_SECOND} in a second; allowed: fewer");
        let mut refused = Problem::new(StatusCode::TOO_MANY_REQUESTS, error).into_response();
        refused
            .headers_mut()
            .insert("retry-after", axum::http::HeaderValue::from_static("1"));
        return refused;
    }
    next.run(request).await
}
